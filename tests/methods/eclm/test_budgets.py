"""What a device can spare."""

import numpy as np
import pytest

from mlecs_ray.methods.eclm.budgets import spare
from tests.methods.adapting import device

WHOLE = np.array([1000.0, 2000.0, 400.0])


def test_it_is_a_share_of_the_whole_network_times_what_the_device_has_of_the_reference():
    """Half of it; a phone-low has 1.5 of 4 GB."""
    assert spare(device(), WHOLE, 0.5, "phone-high").tolist() == [500, 1000, 200]
    assert spare(device(0, "phone-low"), WHOLE, 0.5, "phone-high")[0] == pytest.approx(1000 * 0.5 * 1.5 / 4)
    assert spare(device(), WHOLE, 0.5, "phone-low").tolist() == [500, 1000, 200]


def test_no_device_has_less_than_the_least():
    weak = device(0, "phone-low")
    assert (spare(weak, WHOLE, 0.5, "phone-high") < 0.3 * WHOLE).all()
    assert spare(weak, WHOLE, 0.5, "phone-high", 0.3).tolist() == (0.3 * WHOLE).tolist()
    assert spare(device(), WHOLE, 0.5, "phone-high", 0.3).tolist() == [500, 1000, 200]


def test_other_processes_take_their_part_also_of_the_least():
    """Of memory and compute, not of the link."""
    loaded = device(0, "phone-low", load=2.0)
    assert spare(loaded, WHOLE, 0.5, "phone-high", 0.3) == pytest.approx(WHOLE * [0.15, 0.15, 0.3])
