"""What can be asked of ``mlecs reproduce``: a misspelt name is refused before anything heavy is imported."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlecs_ray.errors import InputError

RESULTS = Path("docs/results")


@dataclass(frozen=True)
class Extent:
    """What a study consists of."""

    seeds: int
    groups: tuple[str, ...]
    """Of cells, in the order of the page; a quick look has runs of the first alone."""


STUDIES: Mapping[str, Extent] = {
    "mlecs": Extent(
        5,
        (
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
        ),
    ),
    "eclm": Extent(3, ("table", "personal", "ablations", "overlap", "continuous", "sizes", "schedules")),
    "reid": Extent(3, ("distillation", "losses", "components", "adapters", "fleet")),
}


def out_of(study: str) -> Path:
    """Where its results are kept, the page beside them."""
    return RESULTS / f"{study}.json"


@dataclass(frozen=True)
class Options:
    """What the user asked for; raises InputError for what is not there."""

    study: str
    quick: bool = False
    only: tuple[str, ...] = ()
    """Groups whose runs are made; none: all. The page always shows the whole table."""
    seeds: int | None = None
    """Of the study's seeds so many, the first ones; None: all."""
    seed: tuple[int, ...] = ()
    """Of those the runs of these alone; none: all."""
    jobs: int = 1
    take: tuple[Path, ...] = ()
    """Files of results made elsewhere, whose runs of this study are taken over where there is none yet."""
    out: Path | None = None
    page: bool = False
    """Make no runs."""
    prune: bool = False
    """Drop results that the table does not ask for."""

    def __post_init__(self) -> None:
        _known("study", self.study, tuple(STUDIES))
        extent = STUDIES[self.study]
        for group in self.only:
            _known("group", group, extent.groups[:1] if self.quick else extent.groups)
        if self.seeds is not None and not 1 <= self.seeds <= extent.seeds:
            raise InputError(f"seeds={self.seeds} must lie in 1..{extent.seeds}, or there is no run to make")
        seeds = 1 if self.quick else self.seeds or extent.seeds
        for seed in self.seed:
            if not 0 <= seed < seeds:
                raise InputError(f"seed={seed} must lie in 0..{seeds - 1}, or it has no run to make")
        if self.jobs < 1:
            raise InputError(f"jobs={self.jobs} must be at least 1, or nothing is run")
        self._check_out()

    def _check_out(self) -> None:
        own, out = out_of(self.study), self.out.resolve() if self.out else None
        if self.quick and (self.prune or out == own.resolve()):
            raise InputError(f"--quick has a table of its own: with --prune, or on {own}, the study would be lost")
        if missing := next((path for path in self.take if not path.is_file()), None):
            raise InputError(f"--take {missing} is no file, so there is nothing to take over")
        other = next((name for name in STUDIES if name != self.study and out == out_of(name).resolve()), None)
        if other is not None:
            raise InputError(f"--out {self.out} has the results of {other}, which would be mixed up: name another file")
        if self.out is not None and self.out.suffix != ".json":
            raise InputError(f"--out {self.out} must end in .json, or the page beside it would take its place")


def _known(kind: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        close = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
        raise InputError(f"{name!r} is no {kind} to reproduce, so nothing was started{hint}")
