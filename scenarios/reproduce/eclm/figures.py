"""The plots of the document, each only where there is something to draw."""

from collections.abc import Iterator
from statistics import mean

import numpy as np

from mlecs_ray.report.curves import Band
from scenarios.reproduce import clock, words
from scenarios.reproduce.eclm import steps
from scenarios.reproduce.eclm.gains import accuracy
from scenarios.reproduce.eclm.tables import held_share
from scenarios.reproduce.found import Found
from scenarios.reproduce.plot import Bars, bars, lines
from scenarios.reproduce.statistics import by_seed, spread

TITLE = "Accuracy of the fleet, mean over devices"


def figures(found: Found) -> dict[str, str]:
    """SVG by name: ``table``, ``ablations`` and ``sizes``, and for each setting ``continuous-N`` and ``schedules-N``,
    counted from 1. What was not run is left out."""
    return dict(_drawn(found))


def _drawn(found: Found) -> Iterator[tuple[str, str]]:
    for group in ("table", "ablations"):
        series = _series(found, group)
        if any(one is not None for row in series.values() for one in row):
            yield (
                group,
                bars(TITLE, "accuracy", [setting.replace(", ", ",\n") for setting in found.settings(group)], series),
            )
    if sizes := _sizes(found):
        yield "sizes", lines(f"{TITLE}, by size of sub-models", "parameters held, of the network's", "accuracy", sizes)
    for number, setting in enumerate(found.settings(steps.GROUP), 1):
        if by := steps.bands(found, setting):
            title = f"{TITLE}: {setting}, environments that shift"
            yield f"continuous-{number}", lines(title, "step", "accuracy", by)
    for number, setting in enumerate(found.settings("schedules"), 1):
        if by := clock.bands(found, "schedules", setting):
            yield f"schedules-{number}", lines(f"{TITLE}: {setting}", "virtual seconds", "accuracy", by)


def _series(found: Found, group: str) -> Bars:
    """A series per method or variant, a bar per setting."""
    settings = found.settings(group)
    return {
        words.method(name): [spread(accuracy(found, group, name, setting)) for setting in settings]
        for name in found.names(group)
    }


def _sizes(found: Found) -> dict[str, Band]:
    """By setting, what devices hold against accuracy: means over seeds, and their ends."""
    return {setting: band for setting in found.settings("sizes") if len((band := _by_size(found, setting)).mean)}


def _by_size(found: Found, setting: str) -> Band:
    points = []
    for cell in found.group("sizes", setting):
        held = [share for one in found.results(cell).values() if (share := held_share(one)) is not None]
        values = [*by_seed(accuracy(found, "sizes", cell.name, setting)).values()]
        if held and values:
            points.append((mean(held), mean(values), min(values), max(values)))
    return Band(*np.array(sorted(points), float).reshape(-1, 4).T)
