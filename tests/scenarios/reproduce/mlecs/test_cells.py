"""The table says what is compared with what, and gives every method the same."""

import pytest

from mlecs_ray.scenario.names import SYSTEMS
from mlecs_ray.scenario.overrides import apply
from scenarios.reproduce.cells import Cell
from scenarios.reproduce.mlecs.cells import COUNTS, RATES, SEEDS, table
from scenarios.reproduce.plan import scenario_of
from tests.scenarios.reproduce.fake import BASE

CELLS = table(BASE)


def cell(group: str, name: str, setting: str | None = None) -> Cell:
    return next(one for one in CELLS if (one.group, one.name) == (group, name) and setting in (None, one.setting))


def test_every_system_meets_every_rate_and_both_kinds_of_classes() -> None:
    rates = {(one.name, one.changes["clients.masks.rate"]) for one in CELLS if one.group == "rates"}
    assert rates == {(name, rate) for name in SYSTEMS for rate in RATES}
    classes = {(one.name, one.setting) for one in CELLS if one.group == "classes"}
    assert classes == {(name, data) for name in SYSTEMS for data in ("stamps", "watch")}


def test_every_seed_tests_on_a_fold_of_its_own() -> None:
    folds = [scenario_of(BASE, CELLS[0], seed).data.fold for seed in SEEDS]
    assert folds == [0, 1, 2, 3, 4]


def test_methods_without_a_cloud_have_as_many_edge_jobs() -> None:
    """Of 60 merges of ours 30 are the cloud's own."""
    merges = {name: scenario_of(BASE, cell("rates", name), 0).merges for name in ("mlecs", "standalone", "fedilora")}
    assert merges == {"mlecs": 60, "standalone": 60, "fedilora": 30}


def test_more_clients_have_as_many_jobs_each() -> None:
    scenarios = [scenario_of(BASE, one, 0) for one in CELLS if one.group == "scale"]
    assert [one.clients.count for one in scenarios] == list(COUNTS)
    assert {one.merges / one.clients.count for one in scenarios if one.merges} == {12}
    assert all(one.evaluation.clients == one.schedule.concurrency == one.clients.count for one in scenarios)


def test_whoever_waits_has_as_many_jobs_in_fewer_merges() -> None:
    """30 jobs are 15 merges of two or 6 of five, and as many of the cloud."""
    scenarios = {one.name: scenario_of(BASE, one, 0) for one in CELLS if one.group == "clock"}
    assert {name: one.merges for name, one in scenarios.items()} == {
        "asynchronous": 60,
        "buffers of 2": 30,
        "synchronous": 12,
    }
    assert {name: one.schedule.barrier for name, one in scenarios.items() if one.schedule.barrier} == {
        "synchronous": True
    }
    assert [one.evaluation.every_merges for one in scenarios.values()] == [10, 4, 2]


def test_a_base_with_buffers_keeps_its_jobs_and_its_shares() -> None:
    """20 merges of ours are 10 of five jobs each: 50 jobs, 10 of each client."""
    tuned = table(apply(BASE, {"merges": 20, "schedule.buffer": 5}))
    by = {(one.group, one.name): scenario_of(BASE, one, 0) for one in tuned}
    clock = {name: (one.merges, one.schedule.buffer) for (group, name), one in by.items() if group == "clock"}
    assert clock == {
        "buffers of 5": (20, 5),
        "asynchronous": (100, 1),
        "buffers of 2": (50, 2),
        "synchronous": (20, 5),
    }
    scale = {one.clients.count: (one.merges, one.schedule.buffer) for (group, _), one in by.items() if group == "scale"}
    assert scale == {3: (20, 3), 5: (20, 5), 10: (20, 10), 20: (20, 20)}


def test_runs_with_sensors_that_fail_end_in_one_period_whatever_the_method() -> None:
    scenarios = [scenario_of(BASE, one, 0) for one in CELLS if one.group == "varying"]
    assert {(one.merges, one.seconds) for one in scenarios} == {(None, 28.0)}
    assert {one.clients.masks.period for one in scenarios} == {5.0}


def test_a_base_that_ends_by_time_gives_all_the_same_time() -> None:
    timed = table(apply(BASE, {"merges": None, "seconds": 30.0}))
    assert not any(one.changes.get("merges") for one in timed)
    assert {one.changes["evaluation.every_seconds"] for one in timed if one.group == "clock"} == {5.0}


def test_options_of_the_base_are_those_of_ours_everywhere() -> None:
    tuned = table(apply(BASE, {"method.options": {"ccl": 0.3, "rule": "flora"}}))
    options = {one.what: one.changes["method"]["options"] for one in tuned if one.changes["method"]["name"] == "mlecs"}
    assert all(chosen["ccl"] == 0.3 for chosen in options.values())
    assert options["merges: mean, unlike devices"] == {"ccl": 0.3, "rule": "mean", "pull": 1.0}
    assert options["ablations: whole, rate 0.7"] == {"ccl": 0.3, "rule": "flora"}


def test_merges_are_compared_where_adapters_differ() -> None:
    scenarios = [scenario_of(BASE, one, 0) for one in CELLS if one.group == "merges"]
    assert [one.method.options["rule"] for one in scenarios] == ["mean", "hetlora", "flexlora", "flora"]
    for one in scenarios:
        assert set(one.clients.structures) == set(one.clients.devices)
        assert set(one.clients.structures.values()) == set(one.task.slms) == {"edge-small", "edge-base"}
        assert one.task.ranks["edge-small"] < one.task.rank


@pytest.mark.parametrize("group", ["ablations", "class-ablations"])
def test_ablations_leave_out_one_part_each(group: str) -> None:
    left_out = [one.changes["method"]["options"] for one in CELLS if one.group == group]
    assert left_out == [
        {},
        *({"without": [part]} for part in ("ccl", "amt", "mma", "seccl")),
        {"own": 0.0},
        {"pull": 1.0},
        {"nearness": 0.0},
        {"orientation": 0.0, "nearness": 0.0},
        {"words": False},
        {"orientation": 0.0, "nearness": 0.0, "words": False, "own": 0.0, "pull": 1.0},
    ]


@pytest.mark.parametrize(
    ("variants", "among"),
    [("ablations", ("rates", "mlecs", "rate 0.7")), ("class-ablations", ("classes", "mlecs", "stamps"))],
)
def test_the_whole_method_is_run_once(variants: str, among: tuple[str, str, str]) -> None:
    assert scenario_of(BASE, cell(variants, "whole"), 0) == scenario_of(BASE, cell(*among), 0)


def test_all_methods_are_held_against_ours_on_unlike_devices_too() -> None:
    scenarios = [scenario_of(BASE, one, 0) for one in CELLS if one.group == "unlike"]
    assert [one.method.name for one in scenarios] == list(SYSTEMS)
    assert {tuple(one.task.ranks.items()) for one in scenarios} == {(("edge-small", 2),)}


def test_each_other_method_is_shown_at_another_setting() -> None:
    usual = {one.name: scenario_of(BASE, one, 0) for one in CELLS if one.group == "classes" and one.setting == "stamps"}
    others = [scenario_of(BASE, one, 0) for one in CELLS if one.group == "settings"]
    assert others[0] == usual["mlecs"]
    assert {one.method.name for one in others} == set(SYSTEMS)
    for one in others[1:]:
        same = usual[one.method.name]
        assert (one.method.options, one.local) != (same.method.options, same.local)
        assert (one.merges, one.data, one.clients) == (same.merges, same.data, same.clients)
