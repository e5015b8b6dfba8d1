"""How much each upload counts."""

import pytest

from mlecs_ray.methods.mixing import Mixing
from tests.methods.toy import arrival, client, scalar

ONE, THREE = client(1, ["a"]), client(2, ["a", "b", "c"])


def shares(mixing: Mixing, late: int = 0) -> list[float]:
    return mixing.shares([arrival(scalar(0.0), 30.0, late, ONE), arrival(scalar(0.0), 10.0, 0, THREE)])


@pytest.mark.parametrize(
    ("weighting", "expected"), [("count", [0.25, 0.75]), ("samples", [0.75, 0.25]), ("uniform", [0.5, 0.5])]
)
def test_weights_by_hand(weighting, expected):
    """1 and 3 modalities, 30 and 10 samples."""
    assert shares(Mixing(weighting)) == pytest.approx(expected)


def test_lateness_leaves_the_server_more_of_what_it_had():
    """Three merges late halves a share; the rest is nobody's."""
    assert shares(Mixing("uniform"), late=3) == pytest.approx([0.25, 0.5])


def test_a_merge_of_some_of_the_jobs_under_way_moves_the_server_by_that_part():
    assert shares(Mixing("uniform", part=0.25)) == pytest.approx([0.125, 0.125])
    assert Mixing("count", part=0.25).shares([arrival(scalar(0.0), 1.0, 0, THREE)]) == [0.25]
