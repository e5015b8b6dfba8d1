"""The plots of the document, each only where there is something to draw."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mlecs_ray.report.curves import Band
from scenarios.reproduce import words
from scenarios.reproduce.found import Found
from scenarios.reproduce.plot import Bars, bars, lines
from scenarios.reproduce.reid.base import MAIN, SIDES, named
from scenarios.reproduce.reid.cells import WHOLE
from scenarios.reproduce.reid.teaching import ENERGY, IMPORTANCE, beside
from scenarios.reproduce.reid.values import called, values
from scenarios.reproduce.statistics import spread

_GROUPS = {"distillation": "What the student is taught by", "losses": "What identity teaches in the first stage"}


def figures(found: Found) -> dict[str, str]:
    """SVG by name: ``sides``, ``distillation``, ``losses``, ``spectrum``. What was not run is left out."""
    return dict(_drawn(found))


def _drawn(found: Found) -> Iterator[tuple[str, str]]:
    pairs = (None, *MAIN)
    groups = [called(pair) for pair in pairs]
    sides: Bars = {
        said: [spread(values(found, "distillation", WHOLE, named("map", pair, side))) for pair in pairs]
        for side, said in reversed(SIDES.items())
    }
    if _any(sides):
        yield "sides", bars("Whose vectors find whom", "mAP", groups, sides)
    for group, title in _GROUPS.items():
        series: Bars = {
            words.method(name): [spread(values(found, group, name, named("map", pair))) for pair in pairs]
            for name in found.names(group)
        }
        if _any(series):
            yield group, bars(title, "mAP", groups, series)
    if spectra := _spectra(found):
        yield "spectrum", lines("The teacher's features", "directions, or dimensions", "share of the energy", spectra)


def _any(series: Bars) -> bool:
    return any(one is not None for row in series.values() for one in row)


def _spectra(found: Found) -> dict[str, Band]:
    by = beside(found, "spectrum")
    named_as = {ENERGY: "first principal directions", IMPORTANCE: "largest dimensions as they are"}
    return {said: _band([floors[part] for floors in by.values()]) for part, said in named_as.items()} if by else {}


def _band(curves: Sequence[Mapping[str, float]]) -> Band:
    points = [int(k) for k in curves[0]]
    rows = np.array([[curve[str(k)] for k in points] for curve in curves])
    return Band(np.array(points, float), rows.mean(0), rows.min(0), rows.max(0))
