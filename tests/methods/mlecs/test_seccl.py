"""The anchor of the cloud's contrast by hand."""

import torch

from mlecs_ray.methods.mlecs.seccl import edge_view


def test_an_anchor_is_the_sum_of_unit_vectors() -> None:
    """(3, 4) and (0, 2) are (.6, .8) and (0, 1): together (.6, 1.8)."""
    found = edge_view(torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 2.0]]))
    torch.testing.assert_close(found, torch.tensor([[0.6, 1.8]]))


def test_whoever_sensed_nothing_of_a_sample_adds_nothing() -> None:
    """Its row is zero, and so is the anchor where all are."""
    first, second = torch.tensor([[0.0, 0.0], [0.0, 5.0]]), torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    assert edge_view(first, second).tolist() == [[0.0, 0.0], [0.0, 1.0]]


def test_each_side_counts_the_same_however_long_its_vectors_are() -> None:
    first, second = torch.randn(3, 4), torch.randn(3, 4)
    torch.testing.assert_close(edge_view(first, second), edge_view(100 * first, 0.01 * second))
