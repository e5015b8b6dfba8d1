"""What can be asked of ``mlecs reproduce``: a misspelt name is refused before anything heavy is imported."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlecs_ray.errors import InputError

OUT = Path("docs/results/mlecs.json")
STUDIES = ("mlecs",)
SEEDS = 5
GROUPS = (
    "rates",
    "unlike",
    "ablations",
    "merges",
    "scale",
    "clock",
    "varying",
    "classes",
    "settings",
    "class-ablations",
)
"""Of cells, in the order of the page."""


@dataclass(frozen=True)
class Options:
    """What the user asked for; raises InputError for what is not there."""

    study: str
    quick: bool = False
    only: tuple[str, ...] = ()
    """Groups whose runs are made; none: all. The page always shows the whole table."""
    seeds: int = SEEDS
    """Of the study's seeds so many, the first ones."""
    jobs: int = 1
    out: Path | None = None
    page: bool = False
    """Make no runs."""
    prune: bool = False
    """Drop results that the table does not ask for."""

    def __post_init__(self) -> None:
        _known("study", self.study, STUDIES)
        for group in self.only:
            # A quick look has runs of one group alone.
            _known("group", group, GROUPS[:1] if self.quick else GROUPS)
        if not 1 <= self.seeds <= SEEDS:
            raise InputError(f"seeds={self.seeds} must lie in 1..{SEEDS}, or there is no run to make")
        if self.jobs < 1:
            raise InputError(f"jobs={self.jobs} must be at least 1, or nothing is run")
        if self.quick and (self.prune or (self.out and self.out.resolve() == OUT.resolve())):
            raise InputError(f"--quick has a table of its own: with --prune, or on {OUT}, the study would be lost")
        if self.out is not None and self.out.suffix != ".json":
            raise InputError(f"--out {self.out} must end in .json, or the page beside it would take its place")


def _known(kind: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        close = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
        raise InputError(f"{name!r} is no {kind} to reproduce, so nothing was started{hint}")
