"""The training loop of build steps."""

import pytest
import torch

from mlecs_ray.models.descent import rate, trained


def test_the_rate_climbs_in_a_line_and_falls_as_a_cosine():
    """20 steps, 2 of them up: 1/2, 1, then 0.5 (1 + cos(pi k / 18)), which is 1/2 at k = 9."""
    rates = [rate(step, 20) for step in range(20)]
    assert rates[:3] == pytest.approx([0.5, 1.0, 1.0])
    assert rates[11] == pytest.approx(0.5)


def test_it_trains_all_weights_in_place_and_tells_each_loss():
    model = torch.nn.Linear(2, 1)
    x, y = torch.randn(8, 2), torch.ones(8, 1)
    losses = trained(model, lambda: (model(x) - y).square().mean(), 60, 0.1)
    assert len(losses) == 60
    assert losses[-1] < 0.1 * losses[0]
    assert not model.training


def test_matrices_within_move_by_steps_of_even_length_in_all_directions():
    """Muon's step is its gradient with all singular values near 1, here 0.7 to 1.2: not so for what AdamW moves."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Embedding(16, 8), torch.nn.Linear(8, 8, bias=False))
    words, matrix = (p.detach().clone() for p in model.parameters())
    rows, goal = torch.arange(16), torch.randn(16, 8)
    trained(model, lambda: (model(rows) - goal).square().mean(), 1, 0.0025)
    moved = [(after - before).detach() for after, before in zip(model.parameters(), (words, matrix), strict=True)]
    lengths = torch.linalg.svdvals(moved[1]) / 0.25
    assert lengths.min() > 0.5
    assert lengths.max() < 1.3
    # AdamW's first step is its rate for every number, but for the decay.
    assert (moved[0].abs() - 0.0025).abs().max() < 0.0001
