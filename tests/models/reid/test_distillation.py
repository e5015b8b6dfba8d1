"""Cosine, principal component and relation matching by hand-made numbers, at their edges, and by their gradients."""

import numpy as np
import pytest
import torch
from torch import Tensor

from mlecs_ray.errors import InputError
from mlecs_ray.models.reid.distillation import (
    Distillation,
    basis,
    correlations,
    cosine,
    cumulative,
    distilled,
    enough,
    principal,
    relation,
)


def drawn(n: int, d: int, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_cosine_matching_by_hand() -> None:
    a, b = torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.tensor([[0.0, 2.0], [3.0, 3.0]])
    assert cosine(a, b).item() == pytest.approx((1 + 0) / 2)


def test_the_basis_is_the_first_right_singular_vectors_and_not_centred() -> None:
    """Five lines of numpy: all rows lean to (3, 4, 0), which centring would take away."""
    teacher = torch.tensor([[3.0, 4.0, 0.1], [3.0, 4.0, -0.1], [3.0, 4.0, 0.0]])
    found = basis(teacher, 1)
    right = np.linalg.svd(teacher.numpy())[2]
    assert np.abs(found.numpy()[:, 0]) == pytest.approx(np.abs(right[0]), abs=1e-6)
    assert found[:, 0].abs().tolist() == pytest.approx([0.6, 0.8, 0.0], abs=1e-3)


@pytest.mark.parametrize(("components", "held"), [(3, 3), (6, 6), (50, 6)])
def test_there_are_as_many_components_as_asked_but_no_more_than_the_batch_holds(components: int, held: int) -> None:
    directions = basis(drawn(6, 9), components)
    assert directions.shape == (9, held)
    assert torch.allclose(directions.T @ directions, torch.eye(held), atol=1e-5)


def test_a_teacher_of_lower_rank_has_no_components_beyond_it() -> None:
    flat = drawn(8, 2) @ drawn(2, 5, 1)
    assert basis(flat, 4).shape == (5, 2)
    student = drawn(8, 5, 2)
    assert principal(student, flat, basis(flat, 4).double()).item() == pytest.approx(
        principal(student, flat, basis(flat, 2).double()).item()
    )


def test_a_teacher_that_says_the_same_of_all_has_one_component() -> None:
    assert basis(torch.ones(4, 3), 3).shape == (3, 1)
    assert basis(torch.zeros(4, 3), 3).shape == (3, 1)


def test_with_all_components_pcm_is_cosine_matching() -> None:
    """V is then a rotation of the whole space, and cosines do not change under it."""
    student, teacher = drawn(12, 5), drawn(12, 5, 1)
    directions = basis(teacher, 5).double()
    assert principal(student, teacher, directions).item() == pytest.approx(cosine(student, teacher).item(), abs=1e-6)


def test_pcm_sees_nothing_outside_the_components() -> None:
    teacher = torch.tensor([[5.0, 0.0, 0.0], [0.0, 3.0, 0.0], [4.0, 1.0, 0.0], [0.0, 0.0, 0.1]])
    student = teacher[:3] + torch.tensor([0.0, 0.0, 9.0])
    assert principal(student, teacher[:3], basis(teacher, 2)).item() == pytest.approx(0, abs=1e-6)
    assert cosine(student, teacher[:3]).item() > 0.3


@pytest.mark.parametrize(("energy", "k"), [(0.5, 1), (0.64, 1), (0.65, 2), (0.95, 2), (0.9999, 3), (1.0, 3)])
def test_the_fewest_components_that_hold_the_energy(energy: float, k: int) -> None:
    """Squares 64, 32 and 4 of 100."""
    sigma = torch.tensor([8.0, 32**0.5, 2.0])
    assert enough(cumulative(sigma), energy) == k
    teacher = torch.diag(sigma)
    assert basis(teacher, 1, energy).shape == (3, k)


def test_correlations_are_those_of_numpy() -> None:
    x = drawn(20, 4)
    assert correlations(x).numpy() == pytest.approx(np.corrcoef(x.numpy(), rowvar=False), abs=1e-6)


def test_a_dimension_that_never_moves_correlates_with_nothing() -> None:
    x = drawn(6, 3)
    x[:, 1] = 2.0
    assert correlations(x).isfinite().all()
    assert correlations(x)[1].abs().max() < 1e-6


def test_feature_relation_does_not_change_with_scale_or_offset_of_a_dimension() -> None:
    student, teacher = drawn(16, 5), drawn(16, 5, 1)
    moved = student * torch.tensor([2.0, 0.1, 30.0, 1.0, 5.0]) + torch.tensor([1.0, -2.0, 0.0, 4.0, 0.5])
    assert relation(moved, teacher).item() == pytest.approx(relation(student, teacher).item(), abs=1e-6)
    assert relation(moved * 100, teacher).item() == pytest.approx(relation(student, teacher).item(), abs=1e-6)


def test_feature_relation_by_hand() -> None:
    """Student's two dimensions rise together (all correlations 1), the teacher's against each other."""
    student, teacher = torch.tensor([[0.0, 0], [1, 2], [2, 4]]), torch.tensor([[0.0, 2], [1, 1], [2, 0]])
    assert correlations(teacher).flatten().tolist() == pytest.approx([1, -1, -1, 1], abs=1e-6)
    # Rows (1, 1) and (1, -1): their cosine is 0.
    assert relation(student, teacher).item() == pytest.approx(1, abs=1e-6)
    assert relation(teacher, teacher).item() == pytest.approx(0, abs=1e-6)


def test_the_whole_is_the_weighted_sum() -> None:
    student, teacher = drawn(10, 6).float(), drawn(10, 6, 1).float()
    rules = Distillation(components=3)
    by_hand = (
        0.29 * cosine(student, teacher)
        + 0.35 * principal(student, teacher, basis(teacher, 3))
        + 0.35 * relation(student, teacher)
    )
    assert distilled(student, teacher, rules).item() == pytest.approx(by_hand.item())
    alone = Distillation(cm=0, pcm=0, fr=1)
    assert distilled(student, teacher, alone).item() == pytest.approx(relation(student, teacher).item())


def test_gradients_reach_the_student_alone_and_are_those_of_the_values() -> None:
    student, teacher = drawn(7, 4).requires_grad_(), drawn(7, 4, 1)
    directions = basis(teacher, 2).double()
    assert torch.autograd.gradcheck(lambda s: cosine(s, teacher), (student,))
    assert torch.autograd.gradcheck(lambda s: principal(s, teacher, directions), (student,))
    assert torch.autograd.gradcheck(lambda s: relation(s, teacher), (student,))
    watched = teacher.float().requires_grad_()
    assert not basis(watched, 2).requires_grad


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"cm": -0.1}, "0 or more"),
        ({"task": 0, "cm": 0, "pcm": 0, "fr": 0}, "not all 0"),
        ({"components": 0}, "components=0"),
        ({"energy": 0.0}, r"energy=0.0 must lie in \(0, 1\]"),
        ({"energy": 1.1}, "energy=1.1"),
    ],
)
def test_weights_that_teach_nothing_are_refused(wrong: dict[str, float], rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        Distillation(**wrong)  # type: ignore[arg-type]  # whole numbers are among them
