"""The contrastive loss by hand."""

import math

import pytest
import torch

from mlecs_ray.methods.mlecs.ccl import COLDEST, SMOOTHING, TAU, contrast, distance, init_tau, scores

HERE = torch.ones(2, 1, dtype=torch.bool)
AXES = torch.eye(2)


def test_two_samples_that_match_by_hand():
    """S is 1 - 0 (sqrt(2 eps) in float32) at the match and 0 - 1 elsewhere.

    ``p = 1 / (1 + exp(-2 / tau))``; ``-(1 - s/2) log p - s/2 log(1 - p)`` with smoothing s, in both directions.
    """
    tau, s = 0.5, SMOOTHING
    p = 1 / (1 + math.exp(-2 / tau))
    expected = -(1 - s / 2) * math.log(p) - s / 2 * math.log(1 - p)
    found = contrast(AXES, AXES[:, None], HERE, torch.tensor(math.log(tau)))
    assert float(found) == pytest.approx(expected, abs=5e-3)


def test_a_match_costs_less_than_a_mismatch():
    swapped = contrast(AXES, AXES.flip(0)[:, None], HERE, init_tau())
    assert float(contrast(AXES, AXES[:, None], HERE, init_tau())) < float(swapped)


def test_the_roles_are_taken_in_turns():
    """One anchor fits both samples: from the anchors' side all is even, from the samples' side one anchor wins."""
    anchors, rows = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]]])
    tau = 1.0
    p, s = 1 / (1 + math.exp(-2 / tau)), SMOOTHING
    to_rows = math.log(2)
    won = -(1 - s / 2) * math.log(p) - s / 2 * math.log(1 - p)
    lost = -(1 - s / 2) * math.log(1 - p) - s / 2 * math.log(p)
    expected = (to_rows + (won + lost) / 2) / 2
    assert float(contrast(anchors, rows, HERE, torch.tensor(0.0))) == pytest.approx(expected, abs=5e-3)


def test_without_orientation_it_is_the_volume_alone_which_is_blind_to_sign():
    """GRAM's: ``p = 1 / (1 + exp(-1 / tau))``, the same for the opposite vectors."""
    tau, s = 0.5, SMOOTHING
    p = 1 / (1 + math.exp(-1 / tau))
    expected = -(1 - s / 2) * math.log(p) - s / 2 * math.log(1 - p)
    for rows in (AXES, -AXES):
        found = contrast(AXES, rows[:, None], HERE, torch.tensor(math.log(tau)), orientation=0.0)
        assert float(found) == pytest.approx(expected, abs=5e-3)


def test_with_orientation_an_opposite_vector_is_no_match():
    same, opposite = (contrast(AXES, rows[:, None], HERE, torch.tensor(0.0)) for rows in (AXES, -AXES))
    assert float(opposite) > float(same) + 0.3


def test_scores_are_the_mean_cosine_less_the_volume_over_the_senses_that_are_there():
    """One anchor (1, 0); a sample with (1, 1) and a sense that is missing: cos 45 degrees less sin 45 degrees, 0."""
    rows, present = torch.tensor([[[1.0, 1.0], [5.0, -9.0]]]), torch.tensor([[True, False]])
    assert float(scores(AXES[:1], rows, present)) == pytest.approx(0.0, abs=1e-4)


def test_the_temperature_starts_as_in_the_paper_and_learns():
    log_tau = init_tau().requires_grad_()
    contrast(AXES, AXES.flip(0)[:, None], HERE, log_tau).backward()
    assert float(log_tau.detach().exp()) == pytest.approx(TAU)
    assert float(log_tau.grad) < 0


def test_the_temperature_never_falls_below_its_least():
    cold, colder = (contrast(AXES, AXES[:, None], HERE, torch.tensor(math.log(t))) for t in (COLDEST, COLDEST / 10))
    assert float(cold) == float(colder)


def test_descending_it_turns_a_sample_towards_its_anchor():
    draw = torch.Generator().manual_seed(0)
    anchors, rows = torch.randn(6, 8, generator=draw), torch.randn(6, 2, 8, generator=draw).requires_grad_()
    present = torch.ones(6, 2, dtype=torch.bool)

    def aligned():
        return float(torch.nn.functional.cosine_similarity(anchors[:, None], rows, dim=-1).mean().detach())

    before = aligned()
    optimizer = torch.optim.SGD([rows], lr=0.5)
    for _ in range(50):
        optimizer.zero_grad()
        contrast(anchors, rows, present, torch.tensor(-1.0)).backward()
        optimizer.step()
    assert aligned() > before + 0.2


@pytest.mark.parametrize("there", [[[False], [False]], [[True], [False]]], ids=["none", "one"])
def test_without_two_samples_that_sense_something_there_is_nothing_to_tell_apart(there):
    rows = AXES[:, None].clone().requires_grad_()
    loss = contrast(AXES, rows, torch.tensor(there), init_tau())
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert rows.grad.eq(0).all()


def test_the_distance_to_the_anchors_is_the_mean_of_one_less_the_cosine():
    """Same, opposite and at right angles: 0, 2 and 1; of any length; the last sample senses nothing."""
    anchors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 3.0], [1.0, 0.0]])
    fused = torch.tensor([[4.0, 0.0], [-0.5, 0.0], [2.0, 0.0], [0.0, 0.0]])
    assert float(distance(anchors, fused, torch.tensor([True, True, True, False]))) == pytest.approx(1.0)
    assert float(distance(anchors, fused, torch.tensor([True, False, False, False]))) == pytest.approx(0.0)


def test_where_nobody_senses_anything_the_distance_is_nothing_and_has_a_gradient():
    fused = torch.zeros(2, 2, requires_grad=True)
    loss = distance(AXES, fused, torch.tensor([False, False]))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert fused.grad.isfinite().all()
