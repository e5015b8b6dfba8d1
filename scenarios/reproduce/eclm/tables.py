"""The tables of the document that tell accuracies, each figure as it was measured or as not run."""

from collections.abc import Callable, Mapping, Sequence
from statistics import mean

from bench.document import table
from mlecs_ray.report.units import BYTES, number, size
from scenarios.reproduce import words
from scenarios.reproduce.comparison import Comparison
from scenarios.reproduce.eclm.gains import accuracy, against_first, against_others, best_other, pooled
from scenarios.reproduce.eclm.rows import METHODS, OURS, ROWS
from scenarios.reproduce.eclm.submodels import LEAST, MEAN, MOST, SUBMODELS
from scenarios.reproduce.found import Found
from scenarios.reproduce.measures import Result
from scenarios.reproduce.statistics import paired, spread

Rows = list[list[str]]


def main_table(found: Found) -> str:
    """For each row of the table ours, and below it the paper's."""
    names = found.names("table")
    tests = against_others(found)
    rows: Rows = []
    for row in found.settings("table"):
        other = best_other(found, row)
        one = tests.get((row, other)) if other else None
        over = f"{words.points(one.pair.difference)}, {words.method(one.other)}" if one else words.NOT_RUN
        rows.append([f"**{row}**", *(_at(found, "table", name, row) for name in names), over])
        rows.append(_paper(row, names))
    header = [words.method(name) for name in names]
    return table(["accuracy in %, mean over devices", *header, "ECLM over the best other"], rows)


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
    gains = [[words.method(name), *(_gain(tests.get((setting, name))) for setting in settings)] for name in names]
    return [table(["accuracy in %", *settings], values), table([f"against {words.method(first)}", *settings], gains)]


def size_table(found: Found, setting: str) -> str:
    """A row per largest sub-model: what is sent, what it takes, and how accurate devices are."""
    header = [setting, "accuracy in %", "sent, of the network's bytes", "memory: mean", "compute: mean", "down a job"]
    rows = []
    for cell in found.group("sizes", setting):
        results = list(found.results(cell).values())
        rows.append([cell.name, _at(found, "sizes", cell.name, setting), *_sizes(results)])
    return table(header, rows)


def _sizes(results: Sequence[Result]) -> list[str]:
    if not results:
        return [words.NOT_RUN] * 4
    return [
        _share(results, sent_share),
        *(_share(results, _held(MEAN, resource)) for resource in ("memory", "compute")),
        size(mean(sum(one.traffic.download.values()) for one in results), BYTES),
    ]


def _share(results: Sequence[Result], of: Callable[[Result], float | None]) -> str:
    known = [value for one in results if (value := of(one)) is not None]
    return f"{100 * mean(known):.1f} %" if known else "-"


def sent_share(result: Result) -> float | None:
    """Bytes that a job is sent, its question apart, of the whole network's."""
    if result.effort is None or not result.traffic.client:
        return None
    return result.effort.sent / result.traffic.client


def _held(subject: str, resource: str) -> Callable[[Result], float | None]:
    return lambda result: result.final.get(SUBMODELS, {}).get(subject, {}).get(resource)


def submodel_table(found: Found) -> str:
    """A row per row of the table: the largest, mean and smallest sub-model of the fleet, as shares of the network."""
    resources = ("memory", "compute", "bandwidth")
    rows = []
    for row in found.settings("table"):
        results = list(found.results(found.cell("table", OURS, row)).values())
        rows.append([row, *(_extent(results, resource) for resource in resources)])
    return table(["largest / mean / smallest, of the network's", "memory", "compute", "bytes on the wire"], rows)


def _extent(results: Sequence[Result], resource: str) -> str:
    if not results:
        return words.NOT_RUN
    return " / ".join(_share(results, _held(subject, resource)) for subject in (MOST, MEAN, LEAST))


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
        rows.append([cell.name, _at(found, "schedules", cell.name, setting), *_course(results)])
    header = [setting, "accuracy in %", "jobs", "merges", "virtual seconds", "staleness"]
    return table(header, rows)


def _course(results: Sequence[Result]) -> list[str]:
    if not results:
        return [words.NOT_RUN] * 4
    return [
        number(mean(one.traffic.jobs for one in results), 4),
        number(mean(one.merges for one in results), 4),
        number(mean(one.virtual_seconds for one in results), 4),
        number(mean(one.staleness for one in results), 3),
    ]
