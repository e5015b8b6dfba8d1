"""What a case of serving came to: figures, and whether they are what was set out for."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number with its spread."""

    name: str
    value: float
    unit: str = ""
    least: float | None = None
    most: float | None = None
    times: int = 1

    def shown(self) -> str:
        """With the least and the most behind it."""
        unit = f" {self.unit}" if self.unit else ""
        spread = "" if self.least is None or self.most is None else f" ({self.least:.4g} to {self.most:.4g})"
        return f"{self.value:.4g}{unit}{spread}"


@dataclass(frozen=True)
class Goal:
    """What should come out."""

    says: str
    reached: bool
    found: str


@dataclass(frozen=True)
class Found:
    """One case."""

    title: str
    about: str
    figures: tuple[Figure, ...]
    goals: tuple[Goal, ...]


def median(name: str, values: Sequence[float], unit: str = "") -> Figure:
    """Of several measurements."""
    return Figure(name, statistics.median(values), unit, min(values), max(values), len(values))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not exceeded by ``share`` of them."""
    order = sorted(values)
    return order[min(len(order) - 1, max(0, -(-int(share * len(order) * 1000) // 1000) - 1))]


def at_least(says: str, value: float, bound: float, unit: str = "x") -> Goal:
    """A number that should be so large."""
    return Goal(f"{says} at least {bound:g} {unit}", value >= bound, f"{value:.3g} {unit}")


def at_most(says: str, value: float, bound: float, unit: str) -> Goal:
    """A number that should be so small."""
    return Goal(f"{says} at most {bound:g} {unit}", value <= bound, f"{value:.3g} {unit}")


def none(says: str, count: int, of: int) -> Goal:
    """Something that should never happen."""
    return Goal(f"no {says}", count == 0, f"{count} of {of:,}")
