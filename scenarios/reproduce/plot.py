"""Bars and curves as SVG text: readable on white, with axes, and the same bytes for the same numbers."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from mlecs_ray.report.curves import Band
from mlecs_ray.report.panel import PALETTE
from scenarios.reproduce.statistics import Spread

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, BOTTOM = 70, 20, 56
LINE = 18
"""Height of a line of text."""
LETTER = 6.6
"""Usual width of a letter."""
Bars = Mapping[str, Sequence[Spread | None]]
"""By what is compared, a bar for each group, or none; its place decides its colour, whether it is shown or not."""


@dataclass(frozen=True)
class Axis:
    """Values from ``low`` to ``high`` on pixels from ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a value."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round values on the axis, four to ten of them."""
        step = nice((self.high - self.low) / 6)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(number * step, 10) for number in range(first, last + 1)]


def nice(step: float) -> float:
    """The next of 1, 2, 5, 10, ... that is not less; 1 where there is no extent."""
    if step <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step * (1 - 1e-9))


def axis(values: Sequence[float], start: float, end: float, zero: bool) -> Axis:
    """From a round value to a round value around these; from 0 on where ``zero``."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    low = min(low, 0.0) if zero else low
    if low == high:
        high = low + 1.0
    step = nice((high - low) / 6)
    return Axis(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, start, end)


def bars(title: str, value: str, groups: Sequence[str], series: Bars) -> str:
    """Bars in groups with their deviations; ``value`` names the vertical axis. Groups may have two lines."""
    colours = {name: _colour(number) for number, (name, row) in enumerate(series.items()) if any(row)}
    ends = [end for row in series.values() for one in row if one for end in (one.mean, one.mean + (one.sd or 0.0))]
    y = axis(ends, HEIGHT - BOTTOM, _top(colours), zero=True)
    room = (WIDTH - LEFT - RIGHT) / max(len(groups), 1)
    width = 0.8 * room / max(len(colours), 1)
    parts = [*_head(title, colours), *_left(y, value)]
    for place, group in enumerate(groups):
        for line, told in enumerate(group.splitlines(), 1):
            parts.append(_text(LEFT + room * (place + 0.5), HEIGHT - BOTTOM + LINE * line, told, "middle"))
        for number, (name, colour) in enumerate(colours.items()):
            if (one := series[name][place]) is not None:
                x = LEFT + room * (place + 0.1) + width * number
                parts += _bar(y, x, width, one, colour)
    return _page(parts)


def _bar(y: Axis, x: float, width: float, one: Spread, colour: str) -> list[str]:
    top, foot = sorted((y.at(one.mean), y.at(0.0)))
    drawn = [f'<rect x="{x:.1f}" y="{top:.1f}" width="{0.9 * width:.1f}" height="{foot - top:.1f}" fill="{colour}"/>']
    if one.sd:
        middle, low, high = x + 0.45 * width, y.at(one.mean - one.sd), y.at(one.mean + one.sd)
        drawn.append(_line(middle, low, middle, high, "#222", 1.2))
        drawn += [_line(middle - 3, end, middle + 3, end, "#222", 1.2) for end in (low, high)]
    return drawn


def lines(title: str, across: str, value: str, series: Mapping[str, Band]) -> str:
    """A curve for each, and what lies between its ends; ``across`` and ``value`` name the axes."""
    colours = {name: _colour(number) for number, (name, band) in enumerate(series.items()) if len(band.seconds)}
    ends = [float(end) for band in series.values() for end in (*band.low, *band.high)]
    times = [float(second) for band in series.values() for second in band.seconds]
    y = axis(ends, HEIGHT - BOTTOM, _top(colours), zero=False)
    x = axis(times, LEFT, WIDTH - RIGHT, zero=True)
    parts = [*_head(title, colours), *_left(y, value)]
    for tick in x.ticks():
        parts.append(_line(x.at(tick), y.start, x.at(tick), y.start + 4, "#444"))
        parts.append(_text(x.at(tick), y.start + LINE, f"{tick:g}", "middle"))
    parts.append(_text((x.start + x.end) / 2, HEIGHT - 8, across, "middle"))
    return _page([*parts, *(part for name, colour in colours.items() for part in _curve(x, y, series[name], colour))])


def _curve(x: Axis, y: Axis, band: Band, colour: str) -> list[str]:
    seconds = band.seconds.tolist()
    there = [(x.at(s), y.at(v)) for s, v in zip(seconds, band.high.tolist(), strict=True)]
    back = [(x.at(s), y.at(v)) for s, v in zip(seconds, band.low.tolist(), strict=True)]
    mean = [(x.at(s), y.at(v)) for s, v in zip(seconds, band.mean.tolist(), strict=True)]
    return [
        f'<polygon points="{_points([*there, *reversed(back)])}" fill="{colour}" fill-opacity="0.15"/>',
        f'<polyline points="{_points(mean)}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in mean),
    ]


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in points)


def _left(y: Axis, value: str) -> list[str]:
    parts = []
    for tick in y.ticks():
        parts.append(_line(LEFT, y.at(tick), WIDTH - RIGHT, y.at(tick), "#ddd"))
        parts.append(_text(LEFT - 6, y.at(tick) + 4, f"{tick:g}", "end"))
    parts.append(_line(LEFT, y.start, WIDTH - RIGHT, y.start, "#444"))
    middle = (y.start + y.end) / 2
    turned = f'transform="rotate(-90 16 {middle:.1f})"'
    return [*parts, _text(16, middle, value, "middle", turned)]


def _head(title: str, colours: Mapping[str, str]) -> list[str]:
    """Title and legend."""
    parts = [_text(LEFT, 22, title, "start", 'font-weight="bold"')]
    for (name, colour), (x, y) in zip(colours.items(), _places(colours), strict=True):
        parts.append(f'<rect x="{x:.1f}" y="{y - 10:.1f}" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(x + 17, y, name, "start"))
    return parts


def _places(names: Iterable[str]) -> list[tuple[float, float]]:
    """Where the entries of the legend stand, line by line."""
    places: list[tuple[float, float]] = []
    x, y = float(LEFT), 44.0
    for name in names:
        width = 17 + LETTER * len(name) + 18
        if x > LEFT and x + width > WIDTH - RIGHT:
            x, y = float(LEFT), y + LINE
        places.append((x, y))
        x += width
    return places


def _top(names: Iterable[str]) -> float:
    """Where the axes may begin below title and legend."""
    return max((y for _, y in _places(names)), default=26.0) + LINE


def _colour(number: int) -> str:
    return PALETTE[number % len(PALETTE)]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1.0) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width:g}"/>'


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    more = f" {more}" if more else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'


def _page(parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#222">'
    )
    # White of its own: a page may be shown on black.
    ground = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    return "\n".join([head, ground, *parts, "</svg>", ""])
