"""How much data there is in each row of the table, and how often devices share it: counted, with nothing trained."""

from collections.abc import Callable
from statistics import mean

import numpy as np

from bench.document import table
from mlecs_ray.report.units import number
from mlecs_ray.scenario.build import build
from mlecs_ray.scenario.config import Scenario
from scenarios.reproduce import words
from scenarios.reproduce.cells import Cell
from scenarios.reproduce.eclm.rows import OURS
from scenarios.reproduce.found import Found
from scenarios.reproduce.plan import digest, short
from scenarios.reproduce.store import Floors, Made

ROWS = "rows"
PUBLIC, PRIVATE, TEST = "public", "private", "test"
CLASSES, ENVIRONMENTS, OWNED, TESTED = "classes", "environments", "owned", "tested"
EDITION = 1
"""Of the counting; raised whenever it gives other figures for the same scenario."""


def stock(scenario: Scenario) -> Floors:
    """Samples by side, and of the fleet how many classes and different environments there are, how many different
    samples a device owns and is tested on, mean over devices."""
    built = build(scenario)
    dataset, around = built.dataset, built.hand.environments
    assert around is not None
    fleet = range(built.scenario.clients.count)
    owned = [len(np.unique(around.rows(client, 0))) for client in fleet]
    tested = [len(np.unique(around.test_rows(client, 0))) for client in fleet]
    met = {repr(around.around.of(client, 0)) for client in fleet}
    sides = {PUBLIC: dataset.public, PRIVATE: dataset.train, TEST: dataset.test}
    return {
        ROWS: {
            **{side: float(len(samples)) for side, samples in sides.items()},
            CLASSES: float(len(dataset.classes)),
            ENVIRONMENTS: float(len(met)),
            OWNED: round(mean(owned), 1),
            TESTED: round(mean(tested), 1),
        }
    }


def _cell(found: Found, row: str) -> Cell | None:
    return found.cell("table", OURS, row)


def _key(found: Found, cell: Cell) -> str:
    return short(["stock", EDITION, digest(found.scenarios(cell)[found.seeds[0]])])


def names(found: Found) -> set[str]:
    """Under which these are kept."""
    return {_key(found, cell) for row in found.settings("table") if (cell := _cell(found, row)) is not None}


def fill(found: Found, made: Made | None, compute: Callable[[Scenario], Floors] = stock) -> None:
    """Count what is missing of the rows that ours was run in; nothing where the page alone was asked for."""
    for row in found.settings("table"):
        cell = _cell(found, row)
        if cell is None or made is None or not found.results(cell) or _key(found, cell) in found.store.floors:
            continue
        found.store.put_floors(_key(found, cell), compute(found.scenarios(cell)[found.seeds[0]]))


def stock_table(found: Found) -> str:
    """A line for each row of the table, by the first seed."""
    header = [
        "samples",
        "public, of the cloud",
        "private, of all devices",
        "test",
        "classes",
        "environments in the fleet",
        "different samples that a device owns",
        "devices that a private sample is on",
        "different test samples of a device",
    ]
    return table(header, [[row, *_line(found, row)] for row in found.settings("table")])


def _line(found: Found, row: str) -> list[str]:
    cell = _cell(found, row)
    known = found.store.floors.get(_key(found, cell), {}).get(ROWS) if cell else None
    if cell is None or known is None:
        return [words.NOT_RUN] * 8
    devices = found.scenarios(cell)[found.seeds[0]].clients.count
    shared = devices * known[OWNED] / known[PRIVATE]
    counted = [known[one] for one in (PUBLIC, PRIVATE, TEST, CLASSES, ENVIRONMENTS, OWNED)]
    return [*(number(one) for one in counted), number(shared, 2), number(known[TESTED])]
