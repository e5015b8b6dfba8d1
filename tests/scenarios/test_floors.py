"""What a run has to beat, from the command line."""

import pytest

from scenarios.floors import table
from tests.scenarios.conftest import Mlecs, assert_refused
from tests.small import small_scenario


def test_every_rule_is_measured_on_the_rows_that_a_run_is_measured_on() -> None:
    """Of ten digits, about equally common, one answer for all is right for a tenth."""
    found = table(small_scenario(evaluation__rows=200))
    assert "1438 training and 200 test samples" in found.title
    assert (found.header, [row[0] for row in found.rows]) == (
        ("rule", "accuracy", "macro_f1"),
        ["constant", "nearest, image"],
    )
    assert float(found.rows[0][1]) == pytest.approx(0.1, abs=0.03)
    assert float(found.rows[1][1]) > 0.95


def test_the_command_prints_them(mlecs: Mlecs) -> None:
    assert "nearest, image" in mlecs("floors", "smoke", "--seed", "3").out
    assert "seed 5" in mlecs("floors", "stragglers", "--set", "seed=5").out
    assert "seed 3" in mlecs("floors", "smoke", "--seed", "3").out
    assert_refused(mlecs("floors", "smok"), "did you mean smoke?")
