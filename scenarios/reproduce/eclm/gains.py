"""Accuracies of fleets, and what ours has more of them than others."""

from collections.abc import Mapping, Sequence
from statistics import mean

from scenarios.reproduce.comparison import Comparison, Drawn, together
from scenarios.reproduce.eclm.rows import OURS
from scenarios.reproduce.found import Found
from scenarios.reproduce.measures import FLEET, MEAN
from scenarios.reproduce.statistics import Values, best, by_seed, paired

SURE = 0.05
"""A difference whose p is not below this may be none."""


def accuracy(found: Found, group: str, name: str, setting: str) -> Values:
    """The fleet's in the end, by seed."""
    metric = next(iter(found.metrics(group)), "")
    return found.values(found.cell(group, name, setting), FLEET, metric)


def pooled(found: Found, names: Sequence[str], group: str = "table") -> Values:
    """Of a group by seed and row, the mean over these methods, where all of them were run."""
    values: dict[tuple[int, str], float] = {}
    for row in found.settings(group):
        sides = [accuracy(found, group, name, row) for name in names]
        for seed in found.seeds:
            if all((seed, MEAN) in side for side in sides):
                values[seed, row] = mean(side[seed, MEAN] for side in sides)
    return values


def others(found: Found, row: str) -> dict[str, Values]:
    """Accuracies in a row of the table of all but ours."""
    return {name: accuracy(found, "table", name, row) for name in found.names("table") if name != OURS}


def best_other(found: Found, row: str) -> str | None:
    """Who is best in a row of the table beside ours; None where nobody was run on the same seeds."""
    return best(others(found, row), accuracy(found, "table", OURS, row))


def against_others(found: Found) -> Mapping[tuple[str, str], Comparison]:
    """Ours against each other method in each row of the table, by row and method, corrected together."""
    drawn: list[Drawn] = []
    for row in found.settings("table"):
        ours = accuracy(found, "table", OURS, row)
        for name, theirs in others(found, row).items():
            if (pair := paired(ours, theirs)) is not None:
                drawn.append((row, FLEET, "", OURS, name, pair))
    return {(one.setting, one.other): one for one in together("table", drawn)}


def against_first(found: Found, group: str) -> Mapping[tuple[str, str], Comparison]:
    """In each setting of a group every variant that is another than the first against it, by setting and variant,
    corrected together."""
    drawn: list[Drawn] = []
    for setting in found.settings(group):
        first, *variants = (cell.name for cell in found.group(group, setting))
        for name in variants:
            if same(found, group, name, setting):
                continue
            pair = paired(accuracy(found, group, name, setting), accuracy(found, group, first, setting))
            if pair is not None:
                drawn.append((setting, FLEET, "", name, first, pair))
    return {(one.setting, one.name): one for one in together(group, drawn)}


def same(found: Found, group: str, name: str, setting: str) -> bool:
    """Whether a variant is what the first of its group is, by the same runs."""
    first, cell = found.group(group, setting)[0], found.cell(group, name, setting)
    return cell is not None and found.digests(cell) == found.digests(first)


def hardest(found: Found) -> str | None:
    """The row in which devices that do not adapt do worst, of those in which ours was run too."""
    means = {}
    for row in found.settings("table"):
        ours = accuracy(found, "table", OURS, row)
        theirs = by_seed(accuracy(found, "table", "noadaptation", row))
        if ours and theirs:
            means[row] = mean(theirs.values())
    return min(means, key=lambda row: means[row]) if means else None
