"""The spectrum of features, by hand."""

import pytest
import torch

from mlecs_ray.models.reid.spectrum import MOST, spectrum


def test_the_energy_is_that_of_singular_values() -> None:
    """Squares 64, 32 and 4 of 100, along the axes."""
    found = spectrum(torch.diag(torch.tensor([8.0, 32**0.5, 2.0])))
    assert found.energy.tolist() == pytest.approx([0.64, 0.96, 1.0])
    assert found.importance.tolist() == pytest.approx([0.64, 0.32, 0.04])
    assert dict(found.needed) == {50: 1, 90: 2, 95: 2, 99: 3}


def test_it_is_not_centred() -> None:
    """All rows the same: one direction holds everything."""
    found = spectrum(torch.ones(5, 3))
    assert found.needed[99] == 1
    assert found.dimensions == pytest.approx(1)


def test_what_is_spread_evenly_needs_all() -> None:
    assert spectrum(torch.eye(6)).dimensions == pytest.approx(6)


def test_of_many_samples_some_are_drawn() -> None:
    assert spectrum(torch.randn(MOST + 50, 4)).samples == MOST
