"""What devices can spare, and who takes more."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from mlecs_ray.scenario.config import Scenario
from mlecs_ray.sim.devices import find_device
from scenarios.reproduce.eclm.budgets import budget_table, budgets, fill, names
from scenarios.reproduce.eclm.study import STUDY
from scenarios.reproduce.found import Found
from scenarios.reproduce.store import Floors
from tests.scenarios.reproduce.eclm.fake import OTHER, ROW, by_name, found
from tests.scenarios.reproduce.fake import MADE
from tests.small import MODULES, PICTURES, small_scenario

KINDS = ("phone-low", "phone-high")
PHONES = {key.replace(".", "__"): one for key, one in PICTURES.items()}


def scenario(name: str, **options: object) -> Scenario:
    own = MODULES if name == "eclm" else {}
    method = {"name": name, "options": {**own, **options}}
    return small_scenario(**PHONES, clients__devices=dict.fromkeys(KINDS, 1.0), method=method)


def row(**options: object) -> dict[str, Scenario]:
    return {name: scenario(name, **options) for name in ("eclm", "adaptivenet", "heterofl")}


def told(_: Mapping[str, Scenario]) -> Floors:
    """The strong phones' paths take more memory than there is."""
    plain = dict.fromkeys(("memory", "compute", "bandwidth"), 0.3)
    each = {"spare": plain, "eclm": {**plain, "compute": 0.1}, "adaptivenet": plain}
    found = {f"{kind}: {what}": one for kind in ("phone-low", "phone-mid", "phone-high") for what, one in each.items()}
    levels = {f"{kind}: heterofl": {**plain, "level": 0.25} for kind in ("phone-low", "phone-mid", "phone-high")}
    return {**found, **levels, "phone-high: adaptivenet": {**plain, "memory": 0.45}}


@pytest.fixture
def made(tmp_path: Path) -> Found:
    return found(tmp_path, by_name({"eclm": 0.9, "heterofl": 0.8}, settings=(ROW,)))


def test_a_weak_phone_has_its_part_of_what_the_best_has_and_never_less_than_the_least() -> None:
    """Half of the network, times 13 / 166.13 downlink or 6 / 21.08 uplink, whichever is less."""
    low, high = (find_device(name).budget for name in KINDS)
    got = budgets(row(least=0.0))
    assert got["phone-high: spare"] == dict.fromkeys(("memory", "compute", "bandwidth"), 0.5)
    assert got["phone-low: spare"]["memory"] == pytest.approx(0.5 * low.memory_bytes / high.memory_bytes, abs=1e-6)
    assert budgets(row(least=0.4))["phone-low: spare"] == dict.fromkeys(("memory", "compute", "bandwidth"), 0.4)


def test_methods_stay_within_what_is_to_spare_where_they_can() -> None:
    """The smallest path of so small a network is half of it."""
    got = budgets(row(least=0.5))
    for kind in KINDS:
        for resource, most in got[f"{kind}: spare"].items():
            assert got[f"{kind}: adaptivenet"][resource] <= most
            assert got[f"{kind}: heterofl"][resource] <= most
        assert got[f"{kind}: adaptivenet"]["bandwidth"] == 0.0
    assert got["phone-low: eclm"] == got["phone-high: eclm"]
    assert 0 < got["phone-low: eclm"]["bandwidth"] < 1


def test_levels_are_told_as_shares_of_the_widths() -> None:
    one = scenario("heterofl", least=1.0)
    assert budgets({**row(), "heterofl": one})["phone-low: heterofl"] == {
        "memory": 1.0,
        "compute": 1.0,
        "bandwidth": 1.0,
        "level": 1.0,
    }


def test_rows_that_ours_was_run_in_are_computed_once_and_named(made: Found) -> None:
    asked = []

    def compute(scenarios: Mapping[str, Scenario]) -> Floors:
        asked.append([*scenarios])
        return told(scenarios)

    fill(made, MADE, compute)
    fill(made, MADE, compute)
    assert asked == [["eclm", "adaptivenet", "heterofl"]]
    assert set(made.store.floors) < names(made)
    assert names(made) <= {*STUDY.beside.names(made)}


def test_the_page_alone_reads_no_data(made: Found) -> None:
    fill(made, None, lambda _: pytest.fail("read"))
    assert made.store.floors == {}


def test_who_takes_more_than_there_is_is_marked(made: Found) -> None:
    """What was measured of ours: at most half of the memory of strong phones, a quarter of that of weak ones."""
    fill(made, MADE, told)
    lines = {line.split(" | ")[0].strip("| "): line for line in budget_table(made).splitlines()}
    fits = "30.0 / 30.0 / 30.0"
    assert lines[f"{ROW}: phone-low"] == (
        f"| {ROW}: phone-low | {fits} | 30.0 / 10.0 / 30.0 | 25.0 / 12.5 / 6.2 | {fits} | level 0.25: {fits} |"
    )
    assert "| **50.0 over** / 25.0 / 12.5 | **45.0 over** / 30.0 / 30.0 |" in lines[f"{ROW}: phone-high"]
    assert "| not run |" in lines[f"{ROW}: phone-mid"]
    assert lines[OTHER].count("not run") == 5
