"""Heads in closed form, beside least squares by hand and by numpy."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mlecs_ray.models.reid.heads import _head, fitted
from mlecs_ray.models.reid.stages import sightings
from mlecs_ray.models.reid.student import Student
from mlecs_ray.samples import Samples
from tests.models.reid.conftest import WIDTH


def test_a_line_by_hand() -> None:
    """x = -1, 1 with variance 1, and a teacher whose directions are (1, 0) and (0, 1): with a ridge of 1 slopes are
    halved, from -1/2 and 1/2."""
    found = _head(torch.tensor([[-1.0], [1.0]]), torch.tensor([[3.0, 0.0], [0.0, 7.0]]), ridge=1.0)
    assert torch.allclose(found["weight"], torch.tensor([[-0.25], [0.25]]), atol=1e-6)
    assert torch.allclose(found["bias"], torch.tensor([0.5, 0.5]), atol=1e-6)


def test_with_hardly_any_ridge_it_is_least_squares() -> None:
    draws = torch.Generator().manual_seed(0)
    read, teacher = torch.randn(40, 6, generator=draws), torch.randn(40, 3, generator=draws)
    found = _head(read, teacher, ridge=1e-7)
    unit = torch.nn.functional.normalize(teacher, dim=1).numpy()
    with_one = np.concatenate([read.numpy(), np.ones((40, 1), np.float32)], 1)
    expected = np.linalg.lstsq(with_one, unit, rcond=None)[0]
    assert found["weight"].numpy() == pytest.approx(expected[:6].T, abs=1e-4)
    assert found["bias"].numpy() == pytest.approx(expected[6], abs=1e-4)


def test_the_student_points_where_the_teacher_does(student: Student, lowered: Samples) -> None:
    seen = sightings(lowered)
    draws = torch.Generator().manual_seed(1)
    teacher = {m: torch.randn(len(x), WIDTH, generator=draws) for m, x in seen.inputs.items()}
    params = student.init(0)
    made = fitted(student, params, seen, teacher, 1e-4)

    def near(tree: object, modality: str) -> float:
        mine = student.embed(tree, modality, seen.inputs[modality])  # type: ignore[arg-type]  # a tree
        return float(torch.nn.functional.cosine_similarity(mine, teacher[modality]).mean())

    assert all(near(made, m) > near(params, m) + 0.3 for m in seen.inputs)
    assert made["eye"] is params["eye"]


def test_a_modality_that_nobody_has_keeps_its_head(student: Student, lowered: Samples) -> None:
    present = {**lowered.present, "ir": torch.zeros(12, dtype=torch.bool)}
    seen = sightings(replace(lowered, present=present))
    params = student.init(0)
    made = fitted(student, params, seen, {m: torch.randn(len(x), WIDTH) for m, x in seen.inputs.items()}, 0.1)
    assert made["heads"]["ir"] is params["heads"]["ir"]
    assert made["heads"]["rgb"] is not params["heads"]["rgb"]
