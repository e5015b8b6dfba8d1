"""What ECLM moves, a job and until a quality is reached, against the methods whose models travel too."""

from collections.abc import Sequence
from statistics import mean

from bench.document import table
from mlecs_ray.report.units import BYTES, size
from scenarios.reproduce import words
from scenarios.reproduce.eclm.rows import COLLABORATIVE, OURS
from scenarios.reproduce.found import Found
from scenarios.reproduce.measures import Result

REFERENCE = "fedavg"
TRAVELLING = (*COLLABORATIVE, OURS)
"""Whose models cross the link."""


def results(found: Found, name: str, row: str) -> dict[int, Result]:
    """Of a method in a row of the table, by seed."""
    return found.results(found.cell("table", name, row))


def moved(found: Found, name: str, row: str, seeds: Sequence[int]) -> float:
    """Bytes of a job that arrived, both ways and its question with it: the mean over these seeds."""
    return mean(results(found, name, row)[seed].traffic.moved for seed in seeds)


def ratio(found: Found, row: str, other: str) -> float | None:
    """How many times as much a job of the other method moves as one of ours, over the seeds that both have."""
    seeds = sorted(results(found, OURS, row).keys() & results(found, other, row).keys())
    ours = moved(found, OURS, row, seeds) if seeds else 0.0
    return moved(found, other, row, seeds) / ours if ours else None


def ratios(found: Found, other: str) -> list[float]:
    """Of all rows that were run."""
    return [one for row in found.settings("table") if (one := ratio(found, row, other)) is not None]


def job_table(found: Found) -> str:
    """A row for each of the table's, and the mean and best of the ratios."""
    rows = [
        [row, *(_job(found, name, row) for name in TRAVELLING), *(_times(ratio(found, row, o)) for o in COLLABORATIVE)]
        for row in found.settings("table")
    ]
    for title, take in (("mean", mean), ("best", max)):
        every = [ratios(found, other) for other in COLLABORATIVE]
        rows.append([title, "", "", "", *(_times(take(ones) if ones else None) for ones in every)])
    header = [*(f"{words.method(name)}, a job" for name in TRAVELLING)]
    return table(["bytes, both ways", *header, *(f"{words.method(o)} / ECLM" for o in COLLABORATIVE)], rows)


def _job(found: Found, name: str, row: str) -> str:
    seeds = list(results(found, name, row))
    return size(moved(found, name, row, seeds), BYTES) if seeds else words.NOT_RUN


def _times(found: float | None) -> str:
    return words.NOT_RUN if found is None else f"{found:.2f} x"


def until(result: Result, level: float) -> float | None:
    """Bytes that all jobs had moved when the curve first was at this level; None where it never was."""
    points = zip(result.curve, result.spent or [], strict=False)
    return next((spent for (_, value), spent in points if value >= level), None)


def until_table(found: Found) -> str:
    """A row for each of the table's: how much is moved until the fleet is as accurate as FedAvg's in the end."""
    header = [f"{words.method(name)}" for name in TRAVELLING]
    level = "until the final accuracy of FedAvg"
    return table(
        ["bytes of all jobs", level, *header, "FedAvg / ECLM"], [_until(found, r) for r in found.settings("table")]
    )


def _until(found: Found, row: str) -> list[str]:
    levels = {seed: one.curve[-1][1] for seed, one in results(found, REFERENCE, row).items() if one.curve}
    if not levels:
        return [row, *[words.NOT_RUN] * (len(TRAVELLING) + 2)]
    by = {
        name: {seed: until(one, levels[seed]) for seed, one in results(found, name, row).items() if seed in levels}
        for name in TRAVELLING
    }
    both = [(theirs, by[OURS].get(seed)) for seed, theirs in by[REFERENCE].items()]
    known = [(theirs, ours) for theirs, ours in both if theirs is not None and ours is not None]
    ours = sum(one for _, one in known)
    saved = _times(sum(one for one, _ in known) / ours) if ours else "at once" if known else "-"
    return [
        row,
        f"{100 * mean(levels.values()):.2f} %",
        *(_reached(list(by[name].values())) for name in TRAVELLING),
        saved,
    ]


def _reached(found: Sequence[float | None]) -> str:
    """The mean over the seeds that came so far, and how many those are where not all did."""
    there = [one for one in found if one is not None]
    if not there:
        return "never" if found else words.NOT_RUN
    text = size(mean(there), BYTES)
    return text if len(there) == len(found) else f"{text} ({len(there)} of {len(found)} seeds)"
