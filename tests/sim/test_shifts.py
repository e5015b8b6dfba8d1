"""How often a client's environment has shifted, whenever it is asked."""

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.seeds import uniform
from mlecs_ray.sim.shifts import Shifts


def test_all_shift_at_once_and_the_last_environment_stays() -> None:
    shifts = Shifts(2, 10.0)
    for client in range(5):
        assert [shifts.of(client, seconds) for seconds in (0.0, 9.9, 10.0, 19.9, 20.0, 1e9)] == [0, 0, 1, 1, 2, 2]


def test_without_shifts_the_first_environment_stays() -> None:
    assert Shifts().of(3, 1e9) == 0


def test_with_a_spread_a_client_shifts_earlier_by_its_own_share_of_a_period() -> None:
    """Shift s of client c comes at (s - u / 2) 10 s, u = uniform(7, "shift", c)."""
    shifts = Shifts(4, 10.0, 0.5, 7)
    for client in range(20):
        early = 5.0 * uniform(7, "shift", client)
        for number in (1, 2, 4):
            at = 10.0 * number - early
            assert (shifts.of(client, at - 1e-6), shifts.of(client, at + 1e-6)) == (number - 1, number)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"count": -1}, "count=-1 must be 0 or more"),
        ({"period": 0.0}, "period=0.0 must be finite and > 0"),
        ({"spread": 1.5}, r"spread=1.5 must lie in \[0, 1\]"),
    ],
)
def test_what_makes_no_shifts_is_refused(fields: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Shifts(**fields)
