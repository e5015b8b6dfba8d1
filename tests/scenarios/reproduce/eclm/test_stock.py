"""How much data there is, and how often devices share it."""

from pathlib import Path

import pytest

from mlecs_ray.scenario.build import build
from scenarios.reproduce.eclm.rows import ROWS
from scenarios.reproduce.eclm.stock import fill, names, stock, stock_table
from scenarios.reproduce.found import Found
from scenarios.reproduce.store import Floors
from tests.scenarios.reproduce.eclm.fake import OTHER, ROW, by_name, found
from tests.scenarios.reproduce.fake import MADE
from tests.small import MODULES, PICTURES, SHIFTING, small_scenario

COUNTED = {"public": 240.0, "private": 560.0, "test": 200.0, "classes": 10.0, "environments": 10.0}


@pytest.fixture
def made(tmp_path: Path) -> Found:
    return found(tmp_path, by_name({"eclm": 0.9}, settings=(ROW,)))


def told(_: object) -> Floors:
    return {"rows": {**COUNTED, "owned": 56.0, "tested": 40.0}}


def test_samples_are_counted_by_side_and_by_device() -> None:
    changes = {key.replace(".", "__"): one for key, one in {**SHIFTING, **PICTURES}.items()}
    scenario = small_scenario(**changes, method={"name": "eclm", "options": MODULES})
    built, counted = build(scenario), stock(scenario)["rows"]
    sides = (built.dataset.public, built.dataset.train, built.dataset.test)
    assert [counted[side] for side in ("public", "private", "test")] == [len(one) for one in sides]
    assert counted["classes"] == 10
    rules = scenario.data.environments
    assert rules.least / 2 < counted["owned"] <= rules.most
    assert 1 <= counted["tested"] <= rules.test_rows
    assert 1 <= counted["environments"] <= scenario.clients.count


def test_a_private_sample_is_on_as_many_devices_as_all_of_them_own(made: Found) -> None:
    """500 devices with 56 different ones each of 560."""
    fill(made, MADE, told)
    lines = {line.split(" | ")[0].strip("| "): line for line in stock_table(made).splitlines()}
    assert lines[ROW] == f"| {ROW} | 240 | 560 | 200 | 10 | 10 | 56 | 50 | 40 |"
    assert lines[OTHER].count("not run") == 8


def test_it_is_counted_once_and_named(made: Found) -> None:
    fill(made, None, lambda _: pytest.fail("read"))
    assert made.store.floors == {}
    fill(made, MADE, told)
    fill(made, MADE, lambda _: pytest.fail("counted twice"))
    assert made.store.floors.keys() <= names(made)
    assert len(names(made)) == len(ROWS)
