"""What one network reaches that learns from everybody's samples: trained for real, and told beside a table."""

from pathlib import Path

import pytest

from mlecs_ray.scenario.build import build
from mlecs_ray.scenario.config import Scenario
from scenarios.reproduce.eclm import pooled
from scenarios.reproduce.eclm.pooled import FREE, METRIC, OWN, fill, names, reached, room_table
from scenarios.reproduce.found import Found
from scenarios.reproduce.store import Floors
from tests.scenarios.reproduce.eclm.fake import OTHER, ROW, by_name, found
from tests.scenarios.reproduce.fake import MADE
from tests.small import PICTURES, SHIFTING, small_scenario

NETWORK = {key.replace(".", "__"): one for key, one in {**PICTURES, **SHIFTING, "method.name": "noadaptation"}.items()}
ALL = {"noadaptation": 0.5, "localadaptation": 0.6, "adaptivenet": 0.7, "eclm": 0.75}


@pytest.fixture
def made(tmp_path: Path) -> Found:
    """Two seeds of one row."""
    return found(tmp_path, by_name(ALL, settings=(ROW,)))


def most(scenario: Scenario) -> Floors:
    """0.01 more with the second seed."""
    return {FREE: {METRIC: 0.8 + 0.01 * scenario.seed}, OWN: {METRIC: 0.9 + 0.01 * scenario.seed}}


def test_it_learns_and_to_know_the_classes_can_only_help() -> None:
    """Three of ten classes on a device; by chance a third of its samples are told."""
    scenario = small_scenario(**{**NETWORK, "task__network": "mlp", "task__hidden": [64], "clients__count": 40})
    scores = pooled.pooled(scenario)
    assert 1 / 3 < scores[FREE][METRIC] <= scores[OWN][METRIC] <= 1
    assert pooled.pooled(scenario) == scores


def test_it_is_measured_on_the_samples_that_runs_are_measured_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is always 0 has the share of zeros, over the devices that are measured."""
    scenario = small_scenario(**NETWORK)
    built = build(scenario)
    monkeypatch.setattr(pooled, "_right", lambda _, test: float((test.labels == 0).float().mean()))
    tests = [built.hand.local_test(built.world.client(number, 0.0)) for number in (0, 3)]
    zeros = [float((test.labels == 0).float().mean()) for test in tests if test.labels is not None]
    assert pooled.pooled(scenario)[FREE][METRIC] == pytest.approx(sum(zeros) / 2, abs=1e-6)


def test_rows_that_were_run_are_computed_once(made: Found) -> None:
    asked: list[Scenario] = []

    def compute(scenario: Scenario) -> Floors:
        asked.append(scenario)
        return most(scenario)

    fill(made, MADE, compute)
    fill(made, MADE, compute)
    assert [(one.method.name, one.seed) for one in asked] == [("noadaptation", 0), ("noadaptation", 1)]
    assert set(made.store.floors) < names(made)


def test_the_page_alone_trains_nothing(made: Found) -> None:
    fill(made, None, lambda _: pytest.fail("trained"))
    assert reached(made, ROW, OWN) == {}


def test_the_room_is_over_the_better_of_the_devices_on_their_own(made: Found) -> None:
    """Own classes .9 and .91; AdaptiveNet .7 and .71, ECLM .75 and .76."""
    fill(made, MADE, most)
    lines = room_table(made).splitlines()
    (line,) = [one for one in lines if one.startswith(f"| {ROW} ")]
    assert "80.50 ± 0.71" in line
    assert "90.50 ± 0.71" in line
    assert line.endswith("| +20.00 points | +5.00 points |")
    (other,) = [one for one in lines if one.startswith(f"| {OTHER} ")]
    assert other.count("not run") == 4
