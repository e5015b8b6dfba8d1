"""What ECLM moves, a job and until a quality is reached, against the methods whose models travel too."""

from collections.abc import Callable, Mapping, Sequence
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
NO_BETTER = "no better than before the first job"
LAST = 3
"""Measured points of a curve that its end is the mean of."""
_ROUNDING = 1e-9
"""A curve that is flat in the end is at its own mean."""


def results(found: Found, name: str, row: str) -> dict[int, Result]:
    """Of a method in a row of the table, by seed."""
    return found.results(found.cell("table", name, row))


def moved(found: Found, name: str, row: str, seeds: Sequence[int]) -> float:
    """Bytes of a job that arrived, both ways and its question with it: the mean over these seeds."""
    return mean(results(found, name, row)[seed].traffic.moved for seed in seeds)


def shared(found: Found, row: str, other: str) -> list[int]:
    """The seeds that ours and the other method have in a row."""
    return sorted(results(found, OURS, row).keys() & results(found, other, row).keys())


def ratio(found: Found, row: str, other: str) -> float | None:
    """How many times as much a job of the other method moves as one of ours, over the seeds that both have."""
    seeds = shared(found, row, other)
    ours = moved(found, OURS, row, seeds) if seeds else 0.0
    return moved(found, other, row, seeds) / ours if ours else None


def ratios(found: Found, other: str) -> list[float]:
    """Of all rows that were run."""
    return [one for row in found.settings("table") if (one := ratio(found, row, other)) is not None]


def job_table(found: Found) -> str:
    """A row for each of the table's, and the mean and best of the ratios."""
    rows = [
        [row, *(_job(found, name, row) for name in TRAVELLING), *(_ratio(found, row, other) for other in COLLABORATIVE)]
        for row in found.settings("table")
    ]
    for title, take in (("mean", mean), ("best", max)):
        rows.append([title, "", "", "", *(_taken(found, other, take) for other in COLLABORATIVE)])
    header = [*(f"{words.method(name)}, a job" for name in TRAVELLING)]
    return table(["bytes, both ways", *header, *(f"{words.method(o)} / ECLM" for o in COLLABORATIVE)], rows)


def _job(found: Found, name: str, row: str) -> str:
    seeds = list(results(found, name, row))
    if not seeds:
        return words.NOT_RUN
    return words.of_seeds(size(moved(found, name, row, seeds), BYTES), len(seeds), len(found.seeds))


def _ratio(found: Found, row: str, other: str) -> str:
    times = ratio(found, row, other)
    if times is None:
        return words.NOT_RUN
    return words.of_seeds(_times(times), len(shared(found, row, other)), len(found.seeds))


def _taken(found: Found, other: str, take: Callable[[Sequence[float]], float]) -> str:
    """Over the rows that both were run in, and how many these are where they are not all; each says its seeds."""
    ones, rows = ratios(found, other), found.settings("table")
    if not ones:
        return words.NOT_RUN
    return _times(take(ones)) + ("" if len(ones) == len(rows) else f" ({len(ones)} of {len(rows)} rows)")


def _times(found: float) -> str:
    return f"{found:.2f} x"


def until(result: Result, level: float) -> float | None:
    """Bytes that all jobs had moved when the curve first was at this level; None where it never was."""
    points = zip(result.curve, result.spent or [], strict=False)
    return next((spent for (_, value), spent in points if value >= level - _ROUNDING), None)


def final(result: Result) -> float:
    """The mean over the last measured points: a single one swings."""
    return mean(value for _, value in result.curve[-LAST:])


def until_table(found: Found) -> str:
    """A row for each of the table's: how much is moved until the fleet is as accurate as FedAvg's in the end."""
    header = [f"{words.method(name)}" for name in TRAVELLING]
    level = f"until FedAvg's accuracy, mean of its last {LAST} points"
    ratios = [f"{words.method(name)} / ECLM" for name in COLLABORATIVE]
    return table(["bytes of all jobs", level, *header, *ratios], [_until(found, r) for r in found.settings("table")])


def _until(found: Found, row: str) -> list[str]:
    theirs = {seed: one for seed, one in results(found, REFERENCE, row).items() if one.curve}
    if not theirs:
        return [row, *[words.NOT_RUN] * (len(TRAVELLING) + 1 + len(COLLABORATIVE))]
    # What FedAvg had before it learned anything is no level to come to.
    better = {seed: level for seed, one in theirs.items() if (level := final(one)) > one.curve[0][1] + _ROUNDING}
    levels = better or {seed: final(one) for seed, one in theirs.items()}
    told = words.of_seeds(f"{100 * mean(levels.values()):.2f} %", len(levels), len(found.seeds))
    if not better:
        return [row, f"{told}: {NO_BETTER}", *["-"] * (len(TRAVELLING) + len(COLLABORATIVE))]
    told = told if len(better) == len(theirs) else f"{told}; else {NO_BETTER}"
    return [row, told, *_spent(found, row, better)]


def _spent(found: Found, row: str, levels: Mapping[int, float]) -> list[str]:
    """Of each method until these levels, by seed; and how many times as much others' is as ours."""
    by = {
        name: {seed: until(one, levels[seed]) for seed, one in results(found, name, row).items() if seed in levels}
        for name in TRAVELLING
    }
    seeds = len(found.seeds)
    saved = [_saved(by[other], by[OURS], seeds) for other in COLLABORATIVE]
    return [*(_reached(list(one.values()), seeds) for one in by.values()), *saved]


def _saved(theirs: Mapping[int, float | None], ours: Mapping[int, float | None], seeds: int) -> str:
    """How many times as much the other's is as ours, over the seeds in which both came so far."""
    both = [(theirs[seed], ours[seed]) for seed in theirs.keys() & ours.keys()]
    known = [(other, own) for other, own in both if other is not None and own is not None]
    total = sum(own for _, own in known)
    saved = _times(sum(other for other, _ in known) / total) if total else "at once" if known else "-"
    return words.of_seeds(saved, len(known), seeds) if known else saved


def _reached(found: Sequence[float | None], seeds: int) -> str:
    """The mean over the seeds that came so far, in how many of those that were run that was, and how many were run."""
    if not found:
        return words.NOT_RUN
    there = [one for one in found if one is not None]
    told = size(mean(there), BYTES) if there else "never"
    told = told if len(there) in (0, len(found)) else f"{told}, reached in {len(there)} of {len(found)}"
    return words.of_seeds(told, len(found), seeds)
