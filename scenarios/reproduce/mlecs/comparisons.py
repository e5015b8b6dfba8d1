"""Which tests are made: ours against the best other, or variants of ours against the first."""

from scenarios.reproduce.comparison import Comparison, Drawn, together
from scenarios.reproduce.found import Found
from scenarios.reproduce.mlecs.cells import OURS
from scenarios.reproduce.mlecs.scopes import CLIENTS, CLOUD
from scenarios.reproduce.statistics import best, paired

AMONG = ("rates", "unlike", "varying", "classes")
"""Groups in which ours is held against the best of the others; in all others, variants against the first."""


def comparisons(found: Found, group: str) -> list[Comparison]:
    """All tests of a group, corrected together."""
    drawn = [
        one
        for setting in found.settings(group)
        for scope in (CLIENTS, CLOUD)
        for metric in found.metrics(group)
        for one in _compared(found, group, setting, scope, metric)
    ]
    return together(group, drawn)


def _compared(found: Found, group: str, setting: str, scope: str, metric: str) -> list[Drawn]:
    values = {cell.name: found.values(cell, scope, metric) for cell in found.group(group, setting)}
    if group in AMONG:
        ours = values.pop(OURS, {})
        other = best(values, ours)
        held = [(OURS, ours, other)] if other is not None else []
    else:
        first = next(iter(values))
        held = [(name, one, first) for name, one in values.items() if name != first]
    pairs = [(name, other, paired(one, values[other])) for name, one, other in held]
    return [(setting, scope, metric, name, other, pair) for name, other, pair in pairs if pair is not None]
