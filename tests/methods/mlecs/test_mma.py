"""Modality-aware aggregation by hand."""

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.methods.mlecs.mma import MMA
from tests.methods.toy import arrival, client, fedavg, scalar, value

ONE, TWO = client(1, ["a"]), client(2, ["a", "b"])


def merge(weighting: str, late: int = 0):
    method = MMA(fedavg(("a", "b")), weighting=weighting)
    second = {**scalar(6.0, "a"), **scalar(8.0, "b")}
    arrivals = [arrival(scalar(3.0, "a"), 9.0, who=ONE), arrival(second, 1.0, late, TWO)]
    return method.merge(method.init(0), arrivals)


@pytest.mark.parametrize(("weighting", "expected"), [("count", 5.0), ("samples", 3.3), ("uniform", 4.5)])
def test_the_shared_module_by_hand(weighting, expected):
    """Updates 3 and 6: modalities 1 and 2 give (3 + 2 * 6) / 3; samples 9 and 1 give (27 + 6) / 10; equals 4.5."""
    assert value(merge(weighting), "a") == pytest.approx(expected)


@pytest.mark.parametrize("weighting", ["count", "samples", "uniform"])
def test_a_module_of_one_client_takes_its_whole_update(weighting):
    assert value(merge(weighting), "b") == pytest.approx(8.0)


def test_lateness_scales_the_update_itself():
    """Three merges late halves the second update: a (3 + 2 * 3) / 3 = 3, and b, held by it alone, 4 and not 8."""
    merged = merge("count", late=3)
    assert [value(merged, m) for m in "ab"] == pytest.approx([3.0, 4.0])


def test_an_unknown_weighting_is_refused():
    with pytest.raises(InputError, match="weighting='size' must be one of"):
        MMA(fedavg(), weighting="size")
