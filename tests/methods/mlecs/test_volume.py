"""Volumes by hand: the equation that alignment is measured by."""

import math

import numpy as np
import pytest
import torch

from mlecs_ray.methods.mlecs.volume import EPS, volume, volumes


def unit(*vectors):
    return torch.nn.functional.normalize(torch.tensor(vectors, dtype=torch.float32), dim=-1)


def spanned(anchor, rows, present=None):
    vectors = torch.tensor([rows], dtype=torch.float32)
    there = torch.ones(1, len(rows), dtype=torch.bool) if present is None else torch.tensor([present])
    return float(volumes(torch.tensor([anchor], dtype=torch.float32), vectors, there))


def by_numpy(*vectors):
    """The definition: ``a = np.array(v) / np.linalg.norm(v, axis=1)[:, None]; np.sqrt(np.linalg.det(a @ a.T))``."""
    a = np.array(vectors) / np.linalg.norm(vectors, axis=1)[:, None]
    return math.sqrt(max(np.linalg.det(a @ a.T), 0.0))


@pytest.mark.parametrize("degrees", [5, 30, 60, 90, 120])
def test_two_vectors_span_the_sine_of_their_angle(degrees):
    angle = math.radians(degrees)
    found = spanned([1, 0, 0], [[math.cos(angle), math.sin(angle), 0]])
    assert found == pytest.approx(math.sin(angle), abs=1e-4)


def test_three_vectors_span_the_box_of_their_corner():
    """Rows (1,0,0), (1,1,0), (1,1,1): a triangular matrix, so ``1 * 1 * 1`` over the lengths 1, sqrt 2 and sqrt 3."""
    assert spanned([1, 0, 0], [[1, 1, 0], [1, 1, 1]]) == pytest.approx(1 / math.sqrt(6), abs=1e-4)


def test_four_vectors_agree_with_the_definition():
    vectors = [[1.0, 0.2, 0.0, 0.5], [0.3, 1.0, -0.4, 0.0], [0.0, 0.7, 1.0, 0.1], [0.5, 0.0, 0.2, 1.0]]
    assert spanned(vectors[0], vectors[1:]) == pytest.approx(by_numpy(*vectors), abs=1e-4)


def test_orthogonal_vectors_span_one_whatever_their_lengths():
    assert spanned([2, 0, 0], [[0, 5, 0], [0, 0, 0.1]]) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("stands_there", [0.0, 7.0, float("nan")])
def test_a_missing_modality_removes_a_row(stands_there):
    whole = spanned([1, 0, 0], [[1, 1, 0]])
    assert spanned([1, 0, 0], [[1, 1, 0], [stands_there] * 3], [True, False]) == pytest.approx(whole, abs=1e-5)


def test_without_any_modality_the_anchor_spans_its_own_length():
    assert spanned([3, 0, 0], [[1, 1, 0]], [False]) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    "rows",
    [[[1, 0, 0]], [[-1, 0, 0]], [[1, 0, 0], [1, 0, 0]], [[0, 1, 0], [0, 1, 0]], [[0, 0, 0]]],
    ids=["parallel", "opposite", "all parallel", "rows parallel", "no length"],
)
def test_degenerate_vectors_have_small_volumes_and_finite_gradients(rows):
    anchor = torch.tensor([[1.0, 0.0, 0.0]], requires_grad=True)
    vectors = torch.tensor([rows], dtype=torch.float32, requires_grad=True)
    found = volumes(anchor, vectors, torch.ones(1, len(rows), dtype=torch.bool))
    found.sum().backward()
    assert 0 <= float(found.detach()) < 3e-3
    assert anchor.grad.isfinite().all()
    assert vectors.grad.isfinite().all()


def test_every_anchor_meets_every_sample():
    """The pairs of three anchors and two samples, one of which lacks a modality, each by the definition."""
    draw = torch.Generator().manual_seed(0)
    anchors, rows = torch.randn(3, 8, generator=draw), torch.randn(2, 2, 8, generator=draw)
    present = torch.tensor([[True, True], [True, False]])
    found = volumes(anchors, rows, present)
    expected = [
        [float(volume(torch.cat([anchor[None], own[mask]]))) for own, mask in zip(rows, present, strict=True)]
        for anchor in anchors
    ]
    torch.testing.assert_close(found, torch.tensor(expected), atol=1e-4, rtol=0)


def test_gradients_are_those_of_the_definition():
    draw = torch.Generator().manual_seed(1)
    anchor, rows = torch.randn(1, 6, generator=draw), torch.randn(1, 3, 6, generator=draw)
    present = torch.ones(1, 3, dtype=torch.bool)
    fast, slow = rows.clone().requires_grad_(), rows.clone().requires_grad_()
    volumes(anchor, fast, present).sum().backward()
    volume(torch.cat([anchor, slow[0]])).backward()
    torch.testing.assert_close(fast.grad, slow.grad, atol=1e-4, rtol=1e-3)


def test_the_definition_adds_eps_to_the_diagonal():
    """Two parallel unit vectors: ``(1 + eps)^2 - 1``, so a volume of about ``sqrt(2 eps)``."""
    assert float(volume(unit([1, 2], [2, 4]))) == pytest.approx(math.sqrt(2 * EPS), rel=0.1)
