"""What the edge's answers are worth where it answers only those that it is surest of: the risk / coverage curve."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from mlecs_ray.report.panel import Panel, add_line, colour, figure, label
from mlecs_ray.report.tables import Table
from mlecs_ray.report.units import number
from mlecs_ray.run.bundle import STORE
from mlecs_ray.run.records import Run
from mlecs_ray.serving.calibration import Calibration, Point, newest

_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of questions that go to the cloud, in the table beside the share that was chosen."""
_HEADER = ("model", "threshold", "to the cloud", "risk at the edge", "risk with the cloud", "n")


def cascade_panels(run: Run) -> list[Panel]:
    """The curve of each edge model that has a threshold, by the newest version; nothing before one was fitted."""
    found = newest(run.path / STORE)
    return [] if found is None or not found[1] else [_panel(*found)]


def _panel(version: str, models: Mapping[str, Calibration]) -> Panel:
    first = next(iter(models.values()))
    fig = figure("answered by the edge (%)", label(f"risk: 1 - {first.metric}"), height=360, showlegend=True)
    for index, (name, one) in enumerate(models.items()):
        _draw(fig, name, index, one)
    fig.update_xaxes(range=[0, 102])
    fig.update_yaxes(rangemode="tozero")
    note = (
        f"Version {version}, on {first.samples} held-out rows. From right to left the edge keeps to itself what it is "
        f"surest of; the risk is 1 - {first.metric} of what it answers. Dotted: the threshold that is served with."
    )
    rows = tuple(row for name, one in models.items() for row in _rows(name, one))
    return Panel("Risk and coverage of the edge's confidence", note, fig, wide=True, table=Table("", _HEADER, rows))


def _draw(fig: Any, name: str, index: int, one: Calibration) -> None:
    points = [point for point in reversed(one.curve) if point.coverage]
    risks = [1 - point.quality for point in points]
    add_line(fig, name, index, [100 * point.coverage for point in points], risks)
    told = [f"threshold {_shown(point.threshold)}" for point in points]
    fig.data[-1].update(text=told, hovertemplate="%{x:.0f} % at the edge: risk %{y:.3f}, %{text}<extra></extra>")
    if one.chosen is None:
        return
    dotted = {"color": colour(index), "width": 1.5, "dash": "dot"}
    share, text = [100 * one.chosen.coverage] * 2, label(f"{name}, threshold {_shown(one.threshold)}")
    fig.add_scatter(x=share, y=[0, max(risks, default=1)], mode="lines", line=dotted, name=text, hoverinfo="name")


def _rows(name: str, one: Calibration) -> Iterator[tuple[str, ...]]:
    """Rising with the share that goes to the cloud."""
    shown = [one.chosen, *(_nearest(one, share) for share in _SHARES if one.curve)]
    for point in (point for point in one.curve if point in shown):
        yield (
            f"{name}, chosen" if point == one.chosen else name,
            _shown(point.threshold),
            f"{1 - point.coverage:.1%}",
            number(1 - point.quality, 3) if point.coverage else "-",
            "-" if point.cascade is None else number(1 - point.cascade, 3),
            f"{round(point.coverage * one.samples)} of {one.samples}",
        )


def _nearest(one: Calibration, share: float) -> Point:
    return min(one.curve, key=lambda point: abs(1 - point.coverage - share))


def _shown(threshold: float) -> str:
    """A mean log-probability, or that all or nobody is below it."""
    if math.isinf(threshold):
        return "none" if threshold < 0 else "above all"
    return number(threshold, 3)
