"""One figure of a report with its heading, and the colours that all figures share."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

from mlecs_ray.report.curves import Band
from mlecs_ray.report.tables import Table
from mlecs_ray.report.units import Unit

PALETTE = ("#3f7fd9", "#e2853c", "#2c9f73", "#b355a4", "#d14b5d", "#7f6bd6", "#b89422", "#3ba3b8", "#8c6d5a", "#7b8794")
"""Readable on white and on near-black."""
OUTCOMES: Mapping[str, str] = {
    "merged": "#2c9f73",
    "discarded": "#e2a63c",
    "refused": "#8f55c0",
    "lost": "#d14b5d",
    "told": "#b89422",
    "waiting": "#5aa9c9",
    "running": "#7b8794",
}


@dataclass(frozen=True)
class Panel:
    """A figure under a heading; without a figure the note says why there is none."""

    title: str
    note: str
    figure: Any = None
    """``plotly.graph_objects.Figure`` or None."""
    wide: bool = False
    table: Table | None = None
    """Below the figure; its title is not shown."""


def figure(x: str, y: str, height: int = 320, **layout: Any) -> Any:
    """An empty figure with named axes; colours and fonts come from the page, which knows light from dark."""
    base = go.Figure(layout={"height": height, "template": None, "margin": {"l": 64, "r": 16, "t": 12, "b": 48}})
    base.update_xaxes(title_text=x, automargin=True)
    base.update_yaxes(title_text=y, automargin=True, ticklabelstandoff=5)
    return base.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}, **layout)


def colour(index: int) -> str:
    """The colours in turn."""
    return PALETTE[index % len(PALETTE)]


def label(text: object) -> str:
    """A user's name as plotly shall draw it: plotly reads tags in text, so they are escaped."""
    return escape(str(text), quote=False)


def add_line(fig: Any, name: str, index: int, seconds: Any, values: Any) -> None:
    """A curve with a point per evaluation; ``seconds`` are in the axis's unit already."""
    mode = "lines+markers" if len(seconds) <= 60 else "lines"
    line = {"color": colour(index), "width": 2}
    fig.update_xaxes(rangemode="tozero")
    fig.add_scatter(x=seconds, y=values, name=label(name), mode=mode, line=line, marker={"size": 5})


def add_band(fig: Any, name: str, index: int, band: Band, unit: Unit) -> None:
    """A mean in a shaded band; one click in the legend hides both."""
    tint = "rgba({}, {}, {}, 0.18)".format(*bytes.fromhex(colour(index)[1:]))
    x = band.seconds / unit.size
    hidden = {"mode": "lines", "line": {"width": 0}, "legendgroup": name, "showlegend": False, "hoverinfo": "skip"}
    fig.add_scatter(x=x, y=band.low, **hidden)
    fig.add_scatter(x=x, y=band.high, fill="tonexty", fillcolor=tint, **hidden)
    add_line(fig, name, index, x, band.mean)
    fig.data[-1].legendgroup = name
