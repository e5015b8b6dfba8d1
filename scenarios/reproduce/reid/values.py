"""What was measured of a cell, by pair of modalities and by whose vectors."""

from collections.abc import Mapping

from scenarios.reproduce.comparison import Comparison, Drawn, together
from scenarios.reproduce.found import Found
from scenarios.reproduce.reid.base import PAIRS, named
from scenarios.reproduce.reid.cells import COSINE, SETTING, WHOLE
from scenarios.reproduce.statistics import Values, paired

SCOPE = "global"
"""The student as the server has it."""
Pair = tuple[str, str]
SURE = 0.05
"""A difference whose p is not below this may be none."""


def values(found: Found, group: str, name: str, metric: str, first: bool = False) -> Values:
    """By seed, at the end, or before any camera has learned."""
    return found.values(found.cell(group, name, SETTING), SCOPE, metric, first)


def against(found: Found, ours: str, other: str, side: str = "") -> Mapping[Pair | None, Comparison]:
    """mAP of one rule of distillation against that of another: for each pair of modalities, corrected together, and for
    their mean."""
    drawn: list[Drawn] = []
    for pair in (None, *PAIRS):
        metric = named("map", pair, side)
        sides = [values(found, "distillation", name, metric) for name in (ours, other)]
        if (tested := paired(*sides)) is not None:
            drawn.append((called(pair), SCOPE, metric, ours, other, tested))
    mean, pairs = [one for one in drawn if one[0] == called(None)], [one for one in drawn if one[0] != called(None)]
    by = {one.setting: one for one in (*together("mean", mean), *together("pairs", pairs))}
    return {pair: by[called(pair)] for pair in (None, *PAIRS) if called(pair) in by}


def against_cosine(found: Found) -> Mapping[Pair | None, Comparison]:
    """All three losses against cosine matching alone."""
    return against(found, WHOLE, COSINE)


def called(pair: Pair | None) -> str:
    """As the page names it."""
    return "mean over pairs" if pair is None else f"{pair[0]} → {pair[1]}"
