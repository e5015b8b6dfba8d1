"""What a benchmark is made of: contenders that take turns, columns to print, targets to reach."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.environments import Environment
from mlecs_ray.scenario.config import Scenario

Result = Mapping[str, float]
"""What one measurement says, by column key."""
Turn = Mapping[str, Result]
"""The results of one turn by contender; who was left out is absent."""


@dataclass(frozen=True)
class Contender:
    """Something to measure: a script in a fresh process, which reads an order and prints one line of JSON."""

    name: str
    script: str
    """A module that this interpreter runs, or a ``.py`` file, from ``bench/`` on, that any interpreter can run."""
    order: Mapping[str, Any]
    """What the script is asked for, as JSON values."""
    environment: Environment | None = None
    """A peer's own; None: the interpreter that runs the benchmark."""
    memory: bool = False
    """Also sample the memory of all its processes, which costs it a little time."""


@dataclass(frozen=True)
class Column:
    """One column of the table of figures."""

    key: str
    title: str
    form: str = ".3g"
    """A format specification."""
    factor: float = 1.0
    """From what was measured to the unit in the title."""


@dataclass(frozen=True)
class Target:
    """A number to reach, computed turn by turn, so that what slows the machine for a while slows both sides."""

    says: str
    value: Callable[[Turn], float | None]
    """None where a contender was left out."""
    bound: float
    least: bool
    """True: the value should be at least ``bound``; False: at most."""
    unit: str = "x"

    def reached(self, value: float) -> bool:
        """Whether this is good enough."""
        return value >= self.bound if self.least else value <= self.bound


@dataclass(frozen=True)
class Case:
    """One table: who is measured, what is printed and what should come out."""

    name: str
    title: str
    about: str
    """What is the same for all, and how it was measured."""
    contenders: tuple[Contender, ...]
    columns: tuple[Column, ...]
    targets: tuple[Target, ...]
    prepare: Callable[[int, Path], Mapping[str, Any]] = field(default=lambda _seed, _folder: {})
    """What every order of a turn also says, from its seed; files go into the folder."""
    obstacle: Callable[[], str | None] = field(default=lambda: None)
    """Why this cannot be measured here; None where it can."""


def runs(name: str, scenario: Scenario, memory: bool = False, **more: Any) -> Contender:
    """Ours with this scenario; ``more`` is what else ``bench.ours`` is asked for."""
    return Contender(name, "bench.ours", {"scenario": scenario.model_dump(mode="json"), **more}, memory=memory)


def faster(subject: str, reference: str, least: float, key: str = "ms_per_update") -> Target:
    """``subject`` needs at most one part in ``least`` of the time of ``reference``."""
    says = f"{subject}: times as fast as {reference}"
    return Target(says, lambda turn: ratio(turn, reference, subject, key), least, True)


def longer(subject: str, reference: str, most: float, key: str = "ms_per_update") -> Target:
    """``subject`` needs at most ``most`` times the time of ``reference``."""
    says = f"{subject}: times the time of {reference}"
    return Target(says, lambda turn: ratio(turn, subject, reference, key), most, False)


def ratio(turn: Turn, above: str, below: str, key: str) -> float | None:
    """``above`` over ``below``; None where one of them was left out."""
    if above not in turn or below not in turn:
        return None
    return turn[above][key] / turn[below][key]


def figure(subject: str, column: Column, bound: float, least: bool, unit: str) -> Target:
    """``column`` of ``subject`` itself, in the unit of its title."""

    def value(turn: Turn) -> float | None:
        return turn[subject][column.key] * column.factor if subject in turn else None

    return Target(f"{subject}: {column.title}", value, bound, least, unit)
