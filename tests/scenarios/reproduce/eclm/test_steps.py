"""Environments that shift, step by step."""

from pathlib import Path

import pytest

from scenarios.reproduce.cells import Cell
from scenarios.reproduce.eclm.rows import SHIFTING
from scenarios.reproduce.eclm.steps import bands, by_step, duration, gain, over_steps, step_table
from scenarios.reproduce.found import Found
from scenarios.reproduce.measures import Result
from scenarios.reproduce.plan import scenario_of
from tests.scenarios.reproduce.eclm.fake import BASE, ROW, found, stepped

VALUES = {"eclm": [0.5, 0.7, 0.9], "localadaptation": [0.4, 0.6, 0.5]}
SECONDS = {"eclm": 1.0, "localadaptation": 4.0}


def measured(cell: Cell, seed: int) -> Result | None:
    if cell.group != "continuous" or cell.setting != ROW or cell.name not in VALUES:
        return None
    values = [value + 0.02 * seed for value in VALUES[cell.name]]
    return stepped(values, SHIFTING[ROW].periods[cell.name], SECONDS[cell.name])


@pytest.fixture
def made(tmp_path: Path) -> Found:
    return found(tmp_path, measured)


def test_a_step_is_told_by_its_last_measurement(made: Found) -> None:
    cell = made.cell("continuous", "eclm", ROW)
    assert cell is not None
    scenario = scenario_of(BASE, cell, 0)
    result = stepped([0.5, 0.7, 0.9], scenario.data.environments.period)
    assert by_step(result, scenario) == {0: 0.5, 1: 0.7, 2: 0.9}


def test_the_mean_is_over_all_steps(made: Found) -> None:
    assert over_steps(made, "eclm", ROW) == pytest.approx({(0, "mean"): 0.7, (1, "mean"): 0.72})
    pair = gain(made, ROW)
    assert pair is not None
    assert (pair.n, pair.difference) == (2, pytest.approx(0.2))


def test_an_adaptation_is_all_that_a_job_takes(made: Found) -> None:
    pair = duration(made, ROW)
    assert pair is not None
    assert pair.relative == pytest.approx(-0.75)


def test_methods_stand_beside_each_other(made: Found) -> None:
    """10 jobs of 10 devices in 100.75 steps."""
    rows = {line.split(" | ")[0].strip("| "): line for line in step_table(made, ROW).splitlines()}
    assert rows["ECLM"] == "| ECLM | 71.00 ± 1.41 |  | 1 s | 0.5 s | 0.25 x | 0.00993 |"
    assert rows["Local adaptation"].startswith("| Local adaptation | 51.00 ± 1.41 | +20.00 points, p")
    assert rows["No adaptation"].startswith("| No adaptation | not run |  | not run | not run | - | not run |")


def test_curves_go_by_step_whatever_a_step_takes(made: Found) -> None:
    drawn = bands(made, ROW)
    assert list(drawn) == ["ECLM", "Local adaptation"]
    assert drawn["ECLM"].seconds.tolist() == drawn["Local adaptation"].seconds.tolist() == [0.0, 1.0, 2.0]
    assert drawn["ECLM"].mean.tolist() == pytest.approx([0.51, 0.71, 0.91])


def test_nothing_run_is_nothing_compared(tmp_path: Path) -> None:
    made = found(tmp_path, lambda *_: None)
    assert (gain(made, ROW), duration(made, ROW), bands(made, ROW)) == (None, None, {})
    assert over_steps(made, "eclm", "no such row") == {}
