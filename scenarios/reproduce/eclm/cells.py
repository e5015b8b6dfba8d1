"""The table of the study as values: what is compared with what, and in what each run differs from the base scenario."""

from collections.abc import Iterator, Mapping
from typing import Any

from mlecs_ray.scenario.config import Scenario
from scenarios.reproduce.cells import Cell, Changes
from scenarios.reproduce.eclm.rows import ABLATED, EXCEPTIONS, METHODS, OURS, OWN, ROWS, SHIFTING, SOME, Shifting
from scenarios.reproduce.options import STUDIES
from scenarios.reproduce.schedules import called, schedule

SEEDS = tuple(range(STUDIES["eclm"].seeds))
POINTS = 8
"""Of a curve over merges, the untrained fleet's not counted."""
WHOLE = "whole"
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    WHOLE: {},
    "without local training": {"without": ["local"]},
    "without cloud": {"without": ["cloud"]},
    "without enhancing": {"without": ["enhancing"]},
    "without derivation": {"without": ["derivation"]},
    "carrying nothing": {"personal": "none"},
    "carrying offsets": {"personal": "offset"},
    "carrying all": {"personal": "whole"},
}
"""The whole method, the options that leave one of its parts out, and what devices may carry from job to job, of which
one is the whole method's."""
PAPERS = "carrying nothing"
"""The variant that carries from job to job what devices of the paper do."""
TUNED = ("fedavgft", "localadaptation")
"""Whose devices answer with what they made of the whole network."""
SHARES = (0.28, 0.5, 0.75, 1.0, 1.25)
"""The sub-model of every device, as a share of the network's memory, compute and bytes; the first is about the least
that one module a layer takes."""
BUFFER = 5
"""Of the schedule that merges neither all nor one."""
SHIFTS = 100
QUARTERS = 4
"""Measurements in a step: at its start, when nobody has adapted, and after each quarter but the last."""
OVERLAPPING = 20
"""So many sets of classes have some in common."""
AMONG = (OURS, "localadaptation", "fedavg")
"""Who is compared where they do."""
FEWER: Changes = {"clients.count": 100, "merges": 10}
"""Of all groups but the table: a quarter of its jobs, as many for each device."""
QUICK = ("noadaptation", "localadaptation", "fedavg", OURS)
_FEW: Changes = {
    "merges": 2,
    "clients.count": 40,
    **schedule(True, 10, 10),
    "local.epochs": 1,
    "task.hidden": [8, 16, 32],
    "task.pretrain_epochs": 2,
    "data.environments.test_rows": 20,
    "evaluation.clients": 4,
    "evaluation.every_merges": 1,
}


def table(base: Scenario) -> list[Cell]:
    """Every cell, group by group. In the groups of variants the first is the one that the others are held against."""
    makers = (_table, _personal, _ablations, _overlap, _continuous, _sizes, _schedules)
    return [cell for make in makers for cell in make(base)]


def quick() -> list[Cell]:
    """The smallest table that has all that the study needs: minutes, and nothing to be read from its figures."""
    return [
        Cell(
            "table",
            name,
            "mnist10k, 5 classes",
            {"method": {"name": name, "options": _short(name)}, **_own(name), **_FEW},
        )
        for name in QUICK
    ]


def _short(name: str) -> Mapping[str, Any]:
    return {"enhance_epochs": 1} if name == OURS else {}


def _own(name: str) -> Changes:
    return OWN.get(name, {})


def _table(base: Scenario) -> Iterator[Cell]:
    for row in ROWS:
        for name in METHODS:
            yield Cell("table", name, row, _measured(base, _changes(base, row, name)))


def _personal(base: Scenario) -> Iterator[Cell]:
    """Ours, also as in the paper; and devices that tune, alone or what was averaged, all of the network."""
    for row in ROWS:
        usual = _measured(base, _fewer(base, row, OURS))
        yield Cell("personal", OURS, row, usual)
        yield Cell("personal", PAPERS, row, {**usual, "method.options.personal": "none"})
        for name in TUNED:
            yield Cell("personal", name, row, _measured(base, _fewer(base, row, name)))


def _ablations(base: Scenario) -> Iterator[Cell]:
    for row in ABLATED:
        for name, options in VARIANTS.items():
            left = {f"method.options.{option}": value for option, value in options.items()}
            yield Cell("ablations", name, row, {**_measured(base, _fewer(base, row, OURS)), **left})


def _overlap(base: Scenario) -> Iterator[Cell]:
    """The same with more sets of classes than there can be apart from one another."""
    for row in SOME:
        for name in AMONG:
            sets = {"data.environments.contexts": OVERLAPPING}
            yield Cell("overlap", name, row, {**_measured(base, _fewer(base, row, name)), **sets})


def _continuous(base: Scenario) -> Iterator[Cell]:
    for row, shifting in SHIFTING.items():
        for name in shifting.periods:
            # Who learns nothing is the same however often it is asked.
            seldom = schedule(True, 1, 1) if name == "noadaptation" else {}
            changes = {**_changes(base, row, name), **shifting.changes, **_shifts(shifting, name), **seldom}
            yield Cell("continuous", name, row, changes)


def _shifts(shifting: Shifting, name: str) -> Changes:
    """All shift at once; what else runs on devices changes as often. The run ends when the last step was measured."""
    period, half = shifting.periods[name], max(1, shifting.devices // 2)
    return {
        "merges": None,
        "seconds": period * (SHIFTS + 1 - 1 / QUARTERS),
        "clients.count": shifting.devices,
        "clients.load": {"kind": "processes", "fewest": 1, "processes": 4, "period": period},
        **schedule(True, half, half),
        "data.environments.shifts": SHIFTS,
        "data.environments.period": period,
        "data.environments.share": 0.5,
        "data.environments.test_rows": 50,
        "evaluation.clients": half,
        "evaluation.every_seconds": period / QUARTERS,
    }


def _sizes(base: Scenario) -> Iterator[Cell]:
    """Every device has exactly so much to spare, and takes all of it."""
    for row in SOME:
        for share in SHARES:
            options = {"share": share, "least": share, "enough": 1.0}
            chosen = {f"method.options.{name}": value for name, value in options.items()}
            yield Cell("sizes", f"{share:g}", row, {**_measured(base, _fewer(base, row, OURS)), **chosen})


def _schedules(base: Scenario) -> Iterator[Cell]:
    """The same number of jobs, merged in rounds, in buffers or one by one; the base's own schedule first."""
    usual = base.schedule
    for row in SOME:
        for barrier, buffer in dict.fromkeys([(usual.barrier, usual.buffer), (False, BUFFER), (False, 1)]):
            changes = _fewer(base, row, OURS)
            jobs = _merges(base, changes) * usual.buffer
            merges = {"merges": max(1, jobs // buffer)}
            changes = {**changes, **schedule(barrier, buffer, usual.concurrency), **merges}
            yield Cell("schedules", called(barrier, buffer), row, _measured(base, changes))


def _changes(base: Scenario, row: str, name: str) -> Changes:
    options = base.method.options if base.method.name == name else {}
    method = {"method": {"name": name, "options": dict(options)}}
    return {**method, **ROWS[row].changes, **_own(name), **EXCEPTIONS.get((row, name), {})}


def _fewer(base: Scenario, row: str, name: str) -> Changes:
    return {**_changes(base, row, name), **FEWER}


def _merges(base: Scenario, changes: Changes) -> int:
    found: int | None = changes.get("merges", base.merges)
    # Ends by time are those of environments that shift, which have no curve over merges.
    return found or 1


def _measured(base: Scenario, changes: Changes) -> Changes:
    """Measured often enough for a curve."""
    return {**changes, "evaluation.every_merges": max(1, _merges(base, changes) // POINTS)}
