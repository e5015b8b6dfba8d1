"""From cells to runs: each scenario in full, and a name for its result that changes when anything in it does."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply
from scenarios.reproduce.cells import Cell


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
    return short({**scenario.model_dump(mode="json"), "title": ""})


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
