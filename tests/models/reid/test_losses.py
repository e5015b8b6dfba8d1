"""Identity losses by hand-made numbers, by the published formula in plain numpy, and by their gradients."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from mlecs_ray.models.reid.losses import Seen, contrast, matching, sdm, triplet, whole


def unit(*degrees: float) -> Tensor:
    """Directions in the plane, of unit length."""
    angles = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([angles.cos(), angles.sin()], 1)


def chord(degrees: float) -> float:
    """How far apart two directions are."""
    return 2 * math.sin(math.radians(degrees) / 2)


def labels(*names: int) -> Tensor:
    return torch.tensor(names)


def test_the_triplet_loss_takes_the_farthest_of_its_own_and_the_nearest_of_others() -> None:
    """Identity 0 at 0, 10 and 40 degrees, identity 1 at 60 and 90: each anchor by hand."""
    found = triplet(unit(0, 10, 40, 60, 90), labels(0, 0, 0, 1, 1))
    by_hand = [
        chord(40) - chord(60),
        chord(30) - chord(50),
        chord(40) - chord(20),
        chord(30) - chord(20),
        chord(30) - chord(50),
    ]
    assert found.item() == pytest.approx(sum(max(0, 0.3 + one) for one in by_hand) / 5)


def test_length_does_not_matter_to_the_triplet_loss() -> None:
    x = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    scaled = x * torch.tensor([1, 2, 3, 4, 5, 6])[:, None]
    assert triplet(scaled, labels(0, 0, 1, 1, 2, 2)).item() == pytest.approx(
        triplet(x, labels(0, 0, 1, 1, 2, 2)).item()
    )


def test_an_anchor_with_one_positive_is_held_to_that_one_and_not_to_itself() -> None:
    found = triplet(unit(0, 20, 100), labels(0, 0, 1))
    anchors = [max(0, 0.3 + chord(20) - chord(100)), max(0, 0.3 + chord(20) - chord(80))]
    assert found.item() == pytest.approx(sum(anchors) / 2)


@pytest.mark.parametrize("names", [(0, 1, 2), (0, 0, 0)])
def test_without_a_positive_or_a_negative_there_is_nothing_to_learn(names: tuple[int, ...]) -> None:
    x = unit(0, 20, 100).requires_grad_()
    found = triplet(x, labels(*names))
    found.backward()
    assert found.item() == 0
    assert x.grad is not None
    assert not x.grad.any()


def test_the_triplet_loss_has_a_finite_slope_where_two_sightings_are_the_same() -> None:
    x = unit(0, 0, 5).requires_grad_()
    triplet(x, labels(0, 0, 1)).backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def plain_sdm(a: np.ndarray, b: np.ndarray, a_names: list[int], b_names: list[int], scale: float) -> float:
    """The formula of arXiv 2303.12501 in loops."""
    total = 0.0
    for x, y, xs, ys in ((a, b, a_names, b_names), (b, a, b_names, a_names)):
        rows = []
        for i in range(len(x)):
            scores = [scale * x[i] @ y[j] / np.linalg.norm(x[i]) / np.linalg.norm(y[j]) for j in range(len(y))]
            p = np.exp(scores) / np.exp(scores).sum()
            q = np.array([float(xs[i] == other) for other in ys])
            if q.sum():
                q /= q.sum()
                rows.append(sum(p[j] * (np.log(p[j]) - np.log(q[j] + 1e-8)) for j in range(len(y))))
        total += float(np.mean(rows))
    return total


def test_sdm_is_the_published_formula_both_ways() -> None:
    draws = np.random.default_rng(0)
    a, b, a_names, b_names = draws.normal(size=(5, 3)), draws.normal(size=(4, 3)), [0, 0, 1, 2, 3], [0, 1, 1, 2]
    found = sdm(Seen(torch.tensor(a), labels(*a_names)), Seen(torch.tensor(b), labels(*b_names)), 20.0)
    assert found.item() == pytest.approx(plain_sdm(a, b, a_names, b_names, 20.0))


def test_sdm_by_hand_of_two_who_are_opposite() -> None:
    """p = softmax(2, -2): the right one has .982, the wrong one .018, whose logarithm is taken of 1e-8."""
    x = unit(0, 180)
    p = 1 / (1 + math.exp(-4))
    each = p * math.log(p) + (1 - p) * (math.log(1 - p) - math.log(1e-8))
    assert sdm(Seen(x, labels(0, 1)), Seen(x, labels(0, 1)), 2.0).item() == pytest.approx(2 * each, rel=1e-6)


def test_contrast_by_hand_of_two_who_are_opposite() -> None:
    """The right one has p = .982: -log p, both ways."""
    x = unit(0, 180)
    assert contrast(Seen(x, labels(0, 1)), Seen(x, labels(0, 1)), 2.0).item() == pytest.approx(
        2 * math.log(1 + math.exp(-4))
    )
    assert contrast(Seen(unit(0), labels(0)), Seen(unit(0), labels(1)), 2.0).item() == 0


def test_sdm_does_not_care_which_side_comes_first() -> None:
    a, b = Seen(unit(0, 30, 80), labels(0, 1, 1)), Seen(unit(10, 70), labels(0, 1))
    assert sdm(a, b, 14.3).item() == pytest.approx(sdm(b, a, 14.3).item())


def test_those_whose_identity_the_other_side_has_not_are_left_out() -> None:
    a, b = Seen(unit(0, 90), labels(0, 1)), Seen(unit(5, 85), labels(0, 1))
    more = Seen(unit(0, 90, 45), labels(0, 1, 7))
    forth, back = sdm(more, b, 14.3), sdm(a, b, 14.3)
    assert forth.isfinite()
    # Its row is not there, but as a column it is one more that must not be answered.
    assert forth.item() > back.item()
    assert sdm(Seen(unit(0), labels(0)), Seen(unit(0), labels(1)), 14.3).item() == 0


@pytest.mark.parametrize(("joined", "share"), [("mean", 1 / 3), ("sum", 1.0)])
def test_all_pairs_of_modalities_are_matched(joined: str, share: float) -> None:
    seen = {
        m: Seen(unit(*angles), labels(0, 1)) for m, angles in (("ir", (0, 50)), ("rgb", (9, 80)), ("text", (1, 99)))
    }
    pairs = [("ir", "rgb"), ("ir", "text"), ("rgb", "text")]
    by_hand = sum(sdm(seen[a], seen[b], 14.3).item() for a, b in pairs)
    assert matching(seen, 14.3, joined).item() == pytest.approx(by_hand * share)  # type: ignore[arg-type]  # of parametrize


def test_one_modality_has_nobody_to_match() -> None:
    assert matching({"rgb": Seen(unit(0, 1), labels(0, 1))}, 14.3, "sum").item() == 0


def test_all_modalities_stand_in_the_order_of_their_names() -> None:
    found = whole({"text": Seen(unit(90), labels(3)), "ir": Seen(unit(0, 10), labels(1, 2))})
    assert found.labels.tolist() == [1, 2, 3]
    assert torch.equal(found.features, unit(0, 10, 90))


def test_gradients_are_those_of_the_values() -> None:
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64, requires_grad=True)
    names = labels(0, 0, 1, 1, 2, 2)
    assert torch.autograd.gradcheck(lambda f: triplet(f, names), (x,))
    assert torch.autograd.gradcheck(lambda f: sdm(Seen(f[:4], names[:4]), Seen(f[2:], names[2:]), 14.3), (x,))
