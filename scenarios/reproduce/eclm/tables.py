"""The tables of the document that tell accuracies, each figure as it was measured or as not run."""

import json
from collections.abc import Callable, Mapping, Sequence
from statistics import mean

from bench.document import table
from mlecs_ray.models.modular import RESOURCES
from mlecs_ray.report.units import BYTES, number, size
from scenarios.reproduce import words
from scenarios.reproduce.comparison import Comparison
from scenarios.reproduce.eclm.gains import accuracy, against_first, against_others, best_other, pooled, same
from scenarios.reproduce.eclm.rows import METHODS, OURS, ROWS
from scenarios.reproduce.eclm.submodels import LEAST, MEAN, MOST, SUBMODELS
from scenarios.reproduce.found import Found
from scenarios.reproduce.measures import FLEET, Result
from scenarios.reproduce.statistics import paired, spread

Rows = list[list[str]]
AS_IT_IS = ("noadaptation", "localadaptation", "fedavg")
"""Who begins with the network that the cloud has pretrained, unchanged."""
PARAMETERS = "bandwidth"
"""The measure of a sub-model's parameters: all of them are sent."""


def main_table(found: Found) -> str:
    """For each row of the table ours, and below it the paper's."""
    names = found.names("table")
    tests = against_others(found)
    rows: Rows = []
    for row in found.settings("table"):
        other = best_other(found, row)
        one = tests.get((row, other)) if other else None
        over = f"{words.points(one.pair.difference)}, {words.method(one.other)}" if one else ""
        over = words.of_seeds(over, one.pair.seeds, len(found.seeds)) if one else words.NOT_RUN
        rows.append([f"**{row}**", *(_at(found, "table", name, row) for name in names), over])
        rows.append(_paper(row, names))
    header = [words.method(name) for name in names]
    return table(["accuracy in %, mean over devices", *header, "ECLM over the best other"], rows)


def first_table(found: Found) -> str:
    """For each row what devices answer with before their first job, by method."""
    names, metric = found.names("table"), next(iter(found.metrics("table")), "")
    rows = []
    for row in found.settings("table"):
        cells = [found.cell("table", name, row) for name in names]
        firsts = [spread(found.values(cell, FLEET, metric, first=True)) for cell in cells]
        rows.append([row, *(words.hundredths(one, len(found.seeds)) for one in firsts)])
    return table(["accuracy in %, before the first job", *map(words.method, names)], rows)


def clock_table(found: Found) -> str:
    """For each row the virtual seconds in which its jobs were done, by method."""
    names = found.names("table")
    rows = []
    for row in found.settings("table"):
        each = [list(found.results(found.cell("table", name, row)).values()) for name in names]
        rows.append([row, *(_seconds(results, len(found.seeds)) for results in each)])
    return table(["virtual seconds of all jobs", *map(words.method, names)], rows)


def _seconds(results: Sequence[Result], seeds: int) -> str:
    if not results:
        return words.NOT_RUN
    return words.of_seeds(number(mean(one.virtual_seconds for one in results), 3), len(results), seeds)


def strangers(found: Found) -> list[str]:
    """Rows and seeds in which methods that begin with the cloud's network as it is began with different ones: where
    runs were made on machines whose arithmetic differs."""
    told = []
    for row in found.settings("table"):
        by = [found.results(found.cell("table", name, row)) for name in AS_IT_IS]
        for seed in found.seeds:
            firsts = {json.dumps(one[seed].first, sort_keys=True) for one in by if seed in one}
            told += [f"{row}, seed {seed}"] if len(firsts) > 1 else []
    return told


def _at(found: Found, group: str, name: str, setting: str) -> str:
    return words.hundredths(spread(accuracy(found, group, name, setting)), len(found.seeds))


def _paper(row: str, names: Sequence[str]) -> list[str]:
    line = ROWS[row]
    by = dict(zip(METHODS, line.accuracies, strict=True))
    other = max((name for name in METHODS if name != OURS), key=lambda name: by[name])
    over = f"{words.points((by[OURS] - by[other]) / 100)}, {words.method(other)}"
    return [f"paper: {line.paper}", *(f"{by[name]:.2f}" for name in names), over]


def gain_table(found: Found) -> str:
    """Ours less each other method, row by row, with its test; then over all rows together."""
    names = [name for name in found.names("table") if name != OURS]
    tests = against_others(found)
    rows = [[row, *(_gain(tests.get((row, name))) for name in names)] for row in found.settings("table")]
    rows.append(["mean over the rows", *(_mean_gain(found, [name]) for name in names)])
    return table(["ECLM over", *map(words.method, names)], rows)


def _gain(one: Comparison | None) -> str:
    if one is None:
        return words.NOT_RUN
    return f"{words.points(one.pair.difference)}, {words.test(one.pair, one.corrected)}"


def _mean_gain(found: Found, names: Sequence[str]) -> str:
    pair = paired(pooled(found, [OURS]), pooled(found, names))
    return f"{words.points(pair.difference)}, {words.plain_test(pair)}" if pair else words.NOT_RUN


def variant_tables(found: Found, group: str) -> list[str]:
    """A row per variant of ours, or method, a column per setting; then what they have more than the first."""
    settings, (first, *names) = found.settings(group), found.names(group)
    tests = against_first(found, group)
    values = [
        [words.method(name), *(_at(found, group, name, setting) for setting in settings)] for name in (first, *names)
    ]

    def gain(name: str, setting: str) -> str:
        return "the same runs" if same(found, group, name, setting) else _gain(tests.get((setting, name)))

    gains = [[words.method(name), *(gain(name, setting) for setting in settings)] for name in names]
    return [table(["accuracy in %", *settings], values), table([f"against {words.method(first)}", *settings], gains)]


def size_table(found: Found, setting: str) -> str:
    """A row per size that devices may have: what they hold, mean over the fleet, and how accurate they are."""
    header = [f"{setting}: may hold", "accuracy in %", "parameters held", "memory", "compute", "down a job"]
    rows = []
    for cell in found.group("sizes", setting):
        results = list(found.results(cell).values())
        rows.append([cell.name, _at(found, "sizes", cell.name, setting), *_sizes(results, len(found.seeds))])
    return table(header, rows)


def _sizes(results: Sequence[Result], seeds: int) -> list[str]:
    if not results:
        return [words.NOT_RUN] * 4
    told = [_share(results, _held(MEAN, resource)) for resource in (PARAMETERS, "memory", "compute")]
    told.append(size(mean(sum(one.traffic.download.values()) for one in results), BYTES))
    return [words.of_seeds(one, len(results), seeds) for one in told]


def _share(results: Sequence[Result], of: Callable[[Result], float | None]) -> str:
    known = [value for one in results if (value := of(one)) is not None]
    return f"{100 * mean(known):.1f} %" if known else "-"


def held_share(result: Result) -> float | None:
    """Of the whole network's parameters, what devices hold on average."""
    return _held(MEAN, PARAMETERS)(result)


def nearest(found: Found, setting: str, share: float) -> tuple[str, float] | None:
    """The size at which devices hold closest to this share of the parameters, and what they hold; None: not run."""
    by: dict[str, float] = {}
    for cell in found.group("sizes", setting):
        known = [held for one in found.results(cell).values() if (held := held_share(one)) is not None]
        by |= {cell.name: mean(known)} if known else {}
    return min(by.items(), key=lambda one: abs(one[1] - share)) if by else None


def _held(subject: str, resource: str) -> Callable[[Result], float | None]:
    return lambda result: result.final.get(SUBMODELS, {}).get(subject, {}).get(resource)


def submodel_table(found: Found) -> str:
    """A row per row of the table: the largest, mean and smallest sub-model of the fleet, as shares of the network."""
    rows = []
    for row in found.settings("table"):
        results = list(found.results(found.cell("table", OURS, row)).values())
        rows.append([row, *(_extent(results, resource, len(found.seeds)) for resource in RESOURCES)])
    return table(["largest / mean / smallest, of the network's", "memory", "compute", "bytes on the wire"], rows)


def _extent(results: Sequence[Result], resource: str, seeds: int) -> str:
    if not results:
        return words.NOT_RUN
    told = " / ".join(_share(results, _held(subject, resource)) for subject in (MOST, MEAN, LEAST))
    return words.of_seeds(told, len(results), seeds)


def smallest(found: Found) -> Mapping[str, float]:
    """By row the memory of the smallest sub-model, as a share of the network's."""
    least: dict[str, float] = {}
    for row in found.settings("table"):
        results = found.results(found.cell("table", OURS, row)).values()
        known = [value for one in results if (value := _held(LEAST, "memory")(one)) is not None]
        if known:
            least[row] = min(known)
    return least


def schedule_table(found: Found, setting: str) -> str:
    """A row per schedule."""
    rows = []
    for cell in found.group("schedules", setting):
        results = list(found.results(cell).values())
        rows.append([cell.name, _at(found, "schedules", cell.name, setting), *_course(results, len(found.seeds))])
    header = [setting, "accuracy in %", "jobs", "merges", "virtual seconds", "staleness"]
    return table(header, rows)


def _course(results: Sequence[Result], seeds: int) -> list[str]:
    if not results:
        return [words.NOT_RUN] * 4
    told = [
        number(mean(one.traffic.jobs for one in results), 4),
        number(mean(one.merges for one in results), 4),
        number(mean(one.virtual_seconds for one in results), 4),
        number(mean(one.staleness for one in results), 3),
    ]
    return [words.of_seeds(one, len(results), seeds) for one in told]
