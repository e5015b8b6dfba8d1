"""Medians, spreads and ratios over turns, and what became of the targets."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.case import Case, Column, Target, Turn

NONE = "-"
"""Stands where there is no figure."""


@dataclass(frozen=True)
class Spread:
    """The middle of several measurements, and the two ends."""

    middle: float
    least: float
    most: float

    def text(self, form: str) -> str:
        """``1.2 (1.1..1.4)``; the middle alone where the ends say nothing more."""
        middle, least, most = (number(value, form) for value in (self.middle, self.least, self.most))
        return middle if least == most else f"{middle} ({least}..{most})"


def number(value: float, form: str) -> str:
    """As the form says, never as a power of ten."""
    text = format(value, form)
    return format(float(text), ",.0f") if "e" in text else text


def spread(values: Iterable[float]) -> Spread | None:
    """None where nothing was measured; a value that is NaN was not."""
    known = [value for value in values if not math.isnan(value)]
    return Spread(median(known), min(known), max(known)) if known else None


def column_spread(turns: Sequence[Turn], contender: str, column: Column) -> Spread | None:
    """A contender's figures in one column, in the unit of its title."""
    results = [turn[contender] for turn in turns if contender in turn]
    return spread(result[column.key] * column.factor for result in results if column.key in result)


def target_spread(turns: Sequence[Turn], target: Target) -> Spread | None:
    """The value of every turn in which its contenders took part."""
    values = (target.value(turn) for turn in turns)
    return spread(value for value in values if value is not None)


def figure_rows(case: Case, turns: Sequence[Turn]) -> list[list[str]]:
    """One row per contender that was measured."""
    names = [contender.name for contender in case.contenders if any(contender.name in turn for turn in turns)]
    return [
        [name, *(_cell(column_spread(turns, name, column), column.form) for column in case.columns)] for name in names
    ]


def target_rows(case: Case, turns: Sequence[Turn]) -> list[list[str]]:
    """Each target with its bound, what was reached and whether that is enough; it is the median that counts."""
    rows = []
    for target in case.targets:
        found = target_spread(turns, target)
        bound = f"{'≥' if target.least else '≤'} {number(target.bound, '.4g')} {target.unit}"
        verdict = NONE if found is None else "yes" if target.reached(found.middle) else "no"
        rows.append([target.says, bound, _cell(found, ".3g"), verdict])
    return rows


def _cell(found: Spread | None, form: str) -> str:
    return NONE if found is None else found.text(form)
