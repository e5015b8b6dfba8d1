"""Ability enhancing by hand."""

import numpy as np
import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.methods.eclm.enhance import SubTasks, choose, loads, mismatch, targets
from mlecs_ray.samples import Samples


def _samples(labels, domains=()):
    return Samples({"x": torch.zeros(len(labels), 1)}, labels=torch.tensor(labels), domains=tuple(domains))


def test_the_worked_example():
    """Two sub-tasks love module 0 (0.6, 0.5) and it may carry 0.7: the first keeps it, the second gets 1 and 2.

    With at most two modules each: task 0 {0, 1} = 0.9, task 1 {1, 2} = 0.5; module 1 carries 0.3 + 0.3 = 0.6.
    Without the bound on load both would take {0, 1}: 0.9 + 0.8.
    """
    load = np.array([[0.6, 0.3, 0.1], [0.5, 0.3, 0.2]])
    assert choose(load, 0.7, 2).tolist() == [[1, 1, 0], [0, 1, 1]]
    assert choose(load, 2.0, 2).tolist() == [[1, 1, 0], [1, 1, 0]]


def test_a_sub_task_that_is_left_with_none_keeps_its_best():
    """Each load is above what a module may carry, so the programme takes none."""
    assert choose(np.array([[0.9, 0.1], [0.2, 0.8]]), 0.05, 1).tolist() == [[1, 0], [0, 1]]


def test_targets_are_rows_of_the_masked_loads_that_sum_to_one():
    """As above: the two best of each carry 0.9 + 0.8, of which 0.7 is 0.7 x 3 / 1.7 even shares of three modules."""
    load = torch.tensor([[0.6, 0.3, 0.1], [0.5, 0.3, 0.2]])[:, None]
    wanted = targets(load, spread=0.7 * 3 / 1.7 + 1e-6, few=2)
    assert wanted[0, 0].tolist() == pytest.approx([2 / 3, 1 / 3, 0])
    assert wanted[1, 0].tolist() == pytest.approx([0, 0.6, 0.4])


def test_loads_are_mean_gates_over_a_sub_tasks_samples():
    gates = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]], [[0.5, 0.5]]])
    members = torch.tensor([[True, True, False], [False, False, True]])
    assert loads(gates, members)[:, 0].tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_mismatch_is_the_divergence_from_the_target():
    """KL((1, 0) || (1/2, 1/2)) = log 2, in each of two layers."""
    wanted = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    assert mismatch(torch.zeros(1, 2, 2), wanted).item() == pytest.approx(2 * np.log(2))
    assert mismatch(torch.tensor([[[50.0, 0.0], [0.0, 50.0]]]), wanted).item() == pytest.approx(0, abs=1e-6)


def test_sub_tasks_by_classes_may_overlap_and_a_sample_draws_one_of_its_own():
    tasks = SubTasks(sets=((0, 1), (1, 2)))
    samples = _samples([0, 1, 2, 3])
    assert tasks.members(samples).tolist() == [[True, True, False, False], [False, True, True, False]]
    torch.manual_seed(0)
    drawn = torch.stack([tasks.draw(samples) for _ in range(200)])
    assert set(drawn[:, 0].tolist()) == {0}
    assert 60 < drawn[:, 1].sum() < 140
    assert set(drawn[:, 2].tolist()) == {1}
    assert set(drawn[:, 3].tolist()) == {-1}


def test_sub_tasks_may_be_domains():
    tasks = SubTasks(domains=("ann", "bob"))
    assert tasks.members(_samples([0, 0, 0], ("bob", "ann", "bob"))).tolist() == [
        [False, True, False],
        [True, False, True],
    ]


@pytest.mark.parametrize("fields", [{}, {"sets": ((0,),), "domains": ("ann",)}])
def test_neither_or_both_are_refused(fields):
    with pytest.raises(InputError, match="one of them"):
        SubTasks(**fields)
