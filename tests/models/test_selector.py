"""The unified selector: gates, noise and balance, by hand."""

import math

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.models.selector import Selector, balance


def _selector(form=(4,), top=2, modules=4):
    return Selector(form, layers=2, modules=modules, top=top)


def test_gates_are_a_softmax_over_the_best_of_each_layer():
    """Of scores log 1, log 3, log 2, log 0.5 the two best share 1 as 3 : 2."""
    scores = torch.tensor([[[1.0, 3.0, 2.0, 0.5]] * 2]).log()
    assert _selector().gates(scores)[0, 0].tolist() == pytest.approx([0, 0.6, 0.4, 0])


def test_restricted_to_the_held_modules_gates_are_renormalised():
    """Without module 1, modules 2 and 0 share 1 as 2 : 1; with one module alone it has all."""
    scores = torch.tensor([[[1.0, 3.0, 2.0, 0.5]] * 2]).log()
    held = torch.tensor([[True, False, True, True], [False, False, False, True]])
    gates = _selector().gates(scores, held)[0]
    assert gates[0].tolist() == pytest.approx([1 / 3, 0, 2 / 3, 0])
    assert gates[1].tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("form", [(5,), (3, 12, 12), (1, 32, 32)])
def test_one_pass_over_the_raw_input_scores_every_layer(form):
    selector = _selector(form)
    params = selector.init(torch.Generator().manual_seed(0))
    assert selector.scores(params, torch.rand(3, *form)).shape == (3, 2, 4)
    assert selector.multiplications > 0


def test_at_first_all_modules_are_equally_likely_and_noise_chooses():
    selector = _selector()
    params = selector.init(torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    plain, noisy = selector.noisy(params, torch.rand(4000, 4))
    assert torch.equal(plain, torch.zeros_like(plain))
    assert noisy.std().item() == pytest.approx(math.log(2), rel=0.05)
    chosen = (selector.gates(noisy) > 0).float().mean((0, 1))
    assert chosen.tolist() == pytest.approx([0.5] * 4, abs=0.03)


def test_balance_is_the_squared_variation_summed_over_layers():
    """Totals (3, 1): mean 2, variance 1, so 1/4; totals (2, 2): 0."""
    gates = torch.tensor([[[1.0, 0.0], [0.5, 0.5]]] * 2 + [[[0.5, 0.5], [0.5, 0.5]]] * 2)
    assert balance(gates).item() == pytest.approx(0.25)


@pytest.mark.parametrize("top", [0, 5])
def test_a_top_without_way_through_is_refused(top):
    with pytest.raises(InputError, match=f"top={top}"):
        _selector(top=top)
