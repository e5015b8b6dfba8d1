"""A study: one paper's table, what stands beside its runs, and the page that is made of both."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from mlecs_ray.scenario.config import Scenario
from scenarios.reproduce.cells import Cell
from scenarios.reproduce.found import Found
from scenarios.reproduce.store import Made


@dataclass(frozen=True)
class Facts:
    """How a page came about."""

    command: str
    date: str


@dataclass(frozen=True)
class Beside:
    """What is kept beside the runs: rules on the same folds, or what was timed."""

    names: Callable[[Found], Collection[str]]
    """Of all that the table asks for."""
    fill: Callable[[Found, Made | None], None]
    """Compute and keep what is missing for the runs that there are. What depends on the machine only where it is
    ``Made``, which then says where; None: the page alone was asked for."""


@dataclass(frozen=True)
class Study:
    """Final. What ``mlecs reproduce NAME`` knows of a paper."""

    base: Scenario
    seeds: tuple[int, ...]
    table: Callable[[Scenario], list[Cell]]
    """Of the base, which may be tuned."""
    quick: Callable[[], list[Cell]]
    """The smallest table that has all that the study needs."""
    text: Callable[[Found, Facts, Mapping[str, str]], str]
    """The page as Markdown; plots are told by the names of their files."""
    figures: Callable[[Found], Mapping[str, str]]
    """SVG by name."""
    beside: Beside
    usual_seconds: float
    """What a run takes on the machine of docs/results."""
    quick_seconds: float
    """The same of a quick look."""


def study_of(name: str) -> Study:
    """The one of this name. Only its own modules are imported."""
    if name == "mlecs":
        from scenarios.reproduce.mlecs.study import STUDY

        return STUDY
    if name == "reid":
        from scenarios.reproduce.reid.study import STUDY as SEARCHING

        return SEARCHING
    from scenarios.reproduce.eclm.study import STUDY as ADAPTING

    return ADAPTING
