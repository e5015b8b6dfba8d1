"""The plots of the document, each only where there is something to draw."""

from collections.abc import Iterator

from scenarios.reproduce import words
from scenarios.reproduce.clock import bands
from scenarios.reproduce.found import Found
from scenarios.reproduce.mlecs.scopes import CLIENTS, CLOUD, SIDES
from scenarios.reproduce.mlecs.space import BETWEEN, MEASURES, NEAREST, SPACE, TO_CLOUD
from scenarios.reproduce.plot import Bars, bars, lines
from scenarios.reproduce.statistics import spread

FOUND_BY = (BETWEEN, TO_CLOUD)


def figures(found: Found) -> dict[str, str]:
    """SVG by name: ``rates``, ``cloud``, ``ablations``, ``class-ablations``, ``space`` and ``clock``.

    What was not run is left out.
    """
    return dict(_drawn(found))


def _drawn(found: Found) -> Iterator[tuple[str, str]]:
    for name, scope in (("rates", CLIENTS), ("cloud", CLOUD)):
        series = _by_setting(found, "rates", scope)
        if _any(series):
            metric = words.metric(found.metrics("rates")[0])
            title = f"{metric} of the {SIDES[scope]} by availability of modalities"
            yield name, bars(title, metric, found.settings("rates"), series)
    for group in ("ablations", "class-ablations"):
        series = _by_side(found, group)
        if _any(series):
            metric = words.metric(found.metrics(group)[0])
            sides = [SIDES[scope] for scope in (CLIENTS, CLOUD)]
            yield group, bars(f"{metric} of ML-ECS and without its parts", metric, sides, series)
    series = _by_measure(found)
    if _any(series):
        title = f"Test samples whose representation is among the {NEAREST} nearest"
        yield "space", bars(title, "share", [MEASURES[one] for one in FOUND_BY], series)
    if curves := bands(found, "clock"):
        metric = words.metric(found.metrics("clock")[0])
        title = f"{metric} of the clients: who waits and who does not (mean, least and most over seeds)"
        yield "clock", lines(title, "virtual seconds", metric, curves)


def _by_setting(found: Found, group: str, scope: str) -> Bars:
    """A series per method, a bar per setting."""
    metric = next(iter(found.metrics(group)), "")
    settings = found.settings(group)
    return {
        words.method(name): [
            spread(found.values(found.cell(group, name, setting), scope, metric)) for setting in settings
        ]
        for name in found.names(group)
    }


def _by_side(found: Found, group: str) -> Bars:
    """A series per variant, a bar for the clients and one for the cloud."""
    metric = next(iter(found.metrics(group)), "")
    return {
        cell.name: [spread(found.values(cell, scope, metric)) for scope in (CLIENTS, CLOUD)]
        for cell in found.group(group)
    }


def _by_measure(found: Found) -> Bars:
    """A series per variant, a bar for each who may find a sample again."""
    cells = found.group("ablations")
    before = {"before": [spread(found.values(cells[0], SPACE, one, first=True)) for one in FOUND_BY]} if cells else {}
    return before | {cell.name: [spread(found.values(cell, SPACE, one)) for one in FOUND_BY] for cell in cells}


def _any(series: Bars) -> bool:
    return any(one is not None for row in series.values() for one in row)
