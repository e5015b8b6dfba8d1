"""Runs are shared by the cells that need them, and known again by all that they say."""

from collections.abc import Iterable
from functools import reduce
from typing import Any

import pytest

from mlecs_ray.scenario.overrides import apply
from scenarios.reproduce import plan as plans
from scenarios.reproduce.cells import Cell
from scenarios.reproduce.mlecs.cells import table
from scenarios.reproduce.plan import LATER, digest, plan, scenario_of, short
from tests.scenarios.reproduce.fake import BASE

SAME = [Cell("rates", "mlecs", "a", {}), Cell("merges", "mean", "a", {"clients.jitter": BASE.clients.jitter})]
OTHER = Cell("merges", "flora", "a", {"method.options.rule": "flora"})


def test_a_run_keeps_its_name_when_the_title_changes_and_nothing_else() -> None:
    assert digest(apply(BASE, {"title": "x"})) == digest(BASE)
    assert digest(apply(BASE, {"local.lr": 1e-5})) != digest(BASE)
    assert digest(apply(BASE, {"seed": 1})) != digest(BASE)


def _without(raw: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """``raw`` as it was before there were these keys; those that it has not are passed over."""
    for key in keys:
        *parents, name = key.split(".")
        reduce(lambda inside, parent: inside.get(parent, {}), parents, raw).pop(name, None)
    return raw


def test_keys_that_came_later_are_no_part_of_a_name_until_they_are_set() -> None:
    """The name that this scenario had before there were any (docs/results/mlecs.json)."""
    before = _without({**BASE.model_dump(mode="json"), "title": ""}, LATER)
    assert digest(BASE) == short(before)
    for key, value in (("task.pretrain_epochs", 1), ("evaluation.local", True), ("data.public_domains", ["a"])):
        assert digest(apply(BASE, {key: value})) != digest(BASE)


def test_what_came_later_inside_of_what_came_later_is_left_out_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "LATER", {**LATER, "data.environments.spread": 0.0})
    assert digest(BASE) == digest(apply(BASE, {"title": "x"}))
    shifting = apply(BASE, {"data.partition": "environments", "data.environments.shifts": 3})
    inner = [key for key in LATER if key != "data.environments"]
    kept = _without({**shifting.model_dump(mode="json"), "title": ""}, [*inner, "data.environments.spread"])
    assert {"spread", "stay"}.isdisjoint(kept["data"]["environments"])
    assert digest(shifting) == short(kept)


def test_equal_scenarios_are_run_once_under_the_first_name() -> None:
    assert [run.what for run in plan(BASE, SAME, [3])] == ["rates: mlecs, a"]


def test_a_seed_is_whole_before_the_next_begins() -> None:
    assert [run.scenario.seed for run in plan(BASE, [SAME[0], OTHER], [0, 1])] == [0, 0, 1, 1]


def test_ours_at_the_usual_rate_is_one_run_for_three_groups() -> None:
    names = ("mlecs", "whole", "5 clients")
    cells = [one for one in table(BASE) if one.name in names and one.setting in ("rate 0.7", "mlecs")]
    assert {one.group for one in cells} == {"rates", "ablations", "scale"}
    assert len({digest(scenario_of(BASE, one, 0)) for one in cells}) == 1
