"""What the command line makes of its options."""

import pytest

from scenarios.options import retitled
from scenarios.smoke import SCENARIO


@pytest.mark.parametrize("changes", [{}, {"seed": 3, "seeds": []}, {"runtime.backend": "local"}])
def test_a_scenario_as_it_ships_keeps_its_title(changes: dict[str, object]) -> None:
    assert retitled(SCENARIO, changes) == SCENARIO


def test_a_title_says_what_was_changed_of_what_it_tells() -> None:
    few = retitled(SCENARIO, {"clients.count": 20, "seed": 1})
    assert few.title == f"{SCENARIO.title}; changed: clients.count"
    many = retitled(SCENARIO, dict.fromkeys("abcdef", 1))
    assert many.title == f"{SCENARIO.title}; changed: a, b, c, d and 2 other keys"


def test_a_title_of_ones_own_stays() -> None:
    assert retitled(SCENARIO, {"title": "mine", "clients.count": 20}) == SCENARIO
