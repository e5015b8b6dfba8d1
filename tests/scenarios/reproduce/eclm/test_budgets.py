"""What devices can spare, and who takes more."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mlecs_ray.methods.eclm.system import ModularCloud
from mlecs_ray.models.modular import RESOURCES
from mlecs_ray.scenario.build import build
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.sim.devices import find_device
from scenarios.reproduce.eclm import budgets as counted
from scenarios.reproduce.eclm.budgets import budget_table, budgets, fill, load_lines, names
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
    each = {"spare": plain, "base": dict.fromkeys(plain, 0.05), "eclm": {**plain, "compute": 0.1}, "adaptivenet": plain}
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


def over(got: Floors, kind: str, name: str) -> set[str]:
    """Of which resources a method takes more than the device can spare."""
    spared = got[f"{kind}: spare"]
    return {resource for resource, most in spared.items() if got[f"{kind}: {name}"][resource] > most}


def test_methods_stay_within_what_is_to_spare_where_they_can() -> None:
    """Half of so small a network is as much as its smallest path takes, and less than our smallest; 85 % is more."""
    half, most = budgets(row(least=0.5)), budgets(row(least=0.85))
    for kind in KINDS:
        for name in ("adaptivenet", "heterofl"):
            assert over(half, kind, name) == over(most, kind, name) == set()
        assert over(half, kind, "eclm") == {"memory", "compute", "bandwidth"}
        assert over(most, kind, "eclm") == set()
        assert most[f"{kind}: eclm"] == half["phone-low: eclm"]
        assert most[f"{kind}: adaptivenet"]["bandwidth"] == 0.0
    assert most["phone-low: adaptivenet"]["memory"] > half["phone-low: adaptivenet"]["memory"]


def test_what_ours_gives_is_no_more_than_a_device_can_spare_and_no_less_than_the_smallest() -> None:
    """What is told of both is what devices get, whatever they would like best; under load it is the smallest."""
    scenarios = {"eclm": scenario("eclm", least=1.2)}
    one, got = build(scenarios["eclm"]), budgets(scenarios)
    assert isinstance(one.method, ModularCloud)
    costs = one.method.modular.costs(one.method.local.batch)
    client = replace(one.world.client(0, 0.0), device="phone-low", budget=find_device("phone-low").budget)
    taken = []
    for load in (1.0, 5.0):
        asked = torch.rand(one.method.modular.body.shape, generator=torch.Generator().manual_seed(0))
        held = one.method._held(replace(client, load=load), asked).numpy().astype(bool)
        taken.append(dict(zip(RESOURCES, (costs.base + (costs.modules * held).sum((1, 2))) / costs.whole, strict=True)))
    idle, busy = taken
    assert all(got["phone-low: eclm"][resource] < idle[resource] <= 1.2 for resource in RESOURCES)
    assert busy == pytest.approx(got["phone-low: eclm"], abs=1e-6)
    base = dict(zip(RESOURCES, costs.base / costs.whole, strict=True))
    assert got["phone-low: base"] == pytest.approx(base, abs=1e-6)
    assert all(0 < base[resource] < busy[resource] for resource in RESOURCES)


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


def test_budgets_stay_when_a_study_is_pruned_and_those_of_other_tables_go(made: Found) -> None:
    fill(made, MADE, told)
    kept = dict(made.store.floors)
    made.store.put_floors("elsewhere", {})
    made.store.prune((), STUDY.beside.names(made))
    assert len(kept) == 1
    assert made.store.floors == kept


def test_other_widths_options_devices_or_counting_are_counted_anew(
    made: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is no part of a scenario: of those that are alike nothing could tell."""
    before = names(made)
    plain, better = counted.resolved, replace(find_device("phone-low"), budget=find_device("phone-high").budget)
    changes = {
        "WIDTHS": (0.5,),
        "EDITION": counted.EDITION + 1,
        "resolved": lambda one: {**plain(one), "tries": 3},
        "find_device": lambda name: better if name == "phone-low" else find_device(name),
    }
    for name, other in changes.items():
        with monkeypatch.context() as patch:
            patch.setattr(counted, name, other)
            assert before.isdisjoint(names(made)), name
    assert names(made) == before


def test_a_middling_phone_is_told_from_which_load_it_is_short(made: Found) -> None:
    """Memory of 0.3 for 0.3, compute of 0.3 for 0.1; then of 0.45 for both."""
    assert load_lines(made) == []
    for memory, said in (
        (0.3, "from a load of 1.00 on"),
        (0.29, "already where nothing else runs"),
        (0.45, "from a load of 1.50 on"),
    ):

        def other(_: Mapping[str, Scenario], memory: float = memory) -> Floors:
            found = told(_)
            return {**found, "phone-mid: spare": {**found["phone-mid: spare"], "memory": memory}}

        made.store.floors.clear()
        fill(made, MADE, other)
        assert load_lines(made) == [f"- {ROW}: {said}"]


def test_the_page_alone_reads_no_data(made: Found) -> None:
    fill(made, None, lambda _: pytest.fail("read"))
    assert made.store.floors == {}


def test_who_takes_more_than_there_is_is_marked(made: Found) -> None:
    """What was measured of ours: at most half of the memory of strong phones, a quarter of that of weak ones."""
    fill(made, MADE, told)
    lines = {line.split(" | ")[0].strip("| "): line for line in budget_table(made).splitlines()}
    fits = "30.0 / 30.0 / 30.0"
    assert lines[f"{ROW}: phone-low"] == (
        f"| {ROW}: phone-low | {fits} | 5.0 / 5.0 / 5.0 | 30.0 / 10.0 / 30.0 | 25.0 / 12.5 / 6.2 | {fits} "
        f"| level 0.25: {fits} |"
    )
    assert "| **50.0 over** / 25.0 / 12.5 | **45.0 over** / 30.0 / 30.0 |" in lines[f"{ROW}: phone-high"]
    assert "| not run |" in lines[f"{ROW}: phone-mid"]
    assert lines[OTHER].count("not run") == 6
