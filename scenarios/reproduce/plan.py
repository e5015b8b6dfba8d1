"""From cells to runs: each scenario in full, and a name for its result that changes when anything in it does."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from mlecs_ray.scenario.config import EnvironmentsConfig, PeopleConfig, Scenario
from mlecs_ray.scenario.overrides import apply
from scenarios.reproduce.cells import Cell

LATER: Mapping[str, Any] = {
    "local.anneal": False,
    "data.public_domains": None,
    "data.environments": EnvironmentsConfig().model_dump(mode="json"),
    "data.environments.stay": 1,
    "clients.load.fewest": 0,
    "task.network": "mlp",
    "task.pretrain_epochs": 0,
    "task.pretrain_lr": 2e-3,
    "task.pretrain_batch": 32,
    "evaluation.local": False,
    "reid": PeopleConfig().model_dump(mode="json"),
}
"""Keys that scenarios have got since the first results were kept, with their defaults; an outer one before what is
inside. Where a run leaves them alone they are no part of its name, or a new key would lose every result."""


@dataclass(frozen=True)
class Run:
    """One run to be made; cells whose scenarios are equal share it."""

    digest: str
    what: str
    """The first cell that needs it."""
    scenario: Scenario


def scenario_of(base: Scenario, cell: Cell, seed: int) -> Scenario:
    """The run of a cell: its own seed, and its own fold of the data."""
    folds = round(1 / base.data.test_share)
    return apply(base, {**cell.changes, "seed": seed, "data.fold": seed % folds})


def digest(scenario: Scenario) -> str:
    """The same for the same run: of all that a scenario says, but for its title."""
    raw = {**scenario.model_dump(mode="json"), "title": ""}
    for key, default in LATER.items():
        *parents, last = key.split(".")
        node = reduce(lambda inside, parent: inside.get(parent, {}), parents, raw)
        if last in node and node[last] == default:
            del node[last]
    return short(raw)


def short(value: object) -> str:
    """16 hexadecimal digits of the sha256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def plan(base: Scenario, cells: Sequence[Cell], seeds: Sequence[int]) -> list[Run]:
    """Every run once; all cells of a seed come before the next seed, so that half a study is one of fewer seeds."""
    runs: dict[str, Run] = {}
    for seed in seeds:
        for cell in cells:
            scenario = scenario_of(base, cell, seed)
            run = Run(digest(scenario), cell.what, scenario)
            runs.setdefault(run.digest, run)
    return list(runs.values())
