"""The file of results: each run by the digest of its scenario, written as soon as it is there."""

import fcntl
import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from mlecs_ray.errors import InputError
from mlecs_ray.run.records import write_whole
from scenarios.reproduce.measures import Result

FORMAT = 1
Floors = Mapping[str, Mapping[str, float]]
"""Rule -> metric -> value."""


@dataclass(frozen=True)
class Made:
    """When, on what and by which code a run was made."""

    date: str
    machine: str
    versions: str
    source: str = "source not recorded"
    """A digest of the package's code: runs of two need not be comparable."""


@dataclass(frozen=True)
class Record:
    """What became of a run: a result, or an error."""

    what: str
    seed: int
    seconds: float
    """Real ones of the whole process, without building models the first time."""
    made: Made
    result: Result | None = None
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "result": self.result.as_json() if self.result else None}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """What ``as_json`` gave."""
        result = Result.from_json(raw["result"]) if raw["result"] else None
        return cls(**{**raw, "made": Made(**raw["made"]), "result": result})


@dataclass(frozen=True)
class Timing:
    """What was timed on one machine."""

    made: Made
    rows: Floors

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """What ``asdict`` gave."""
        return cls(Made(**raw["made"]), raw["rows"])


@dataclass
class Store:
    """``runs``, ``floors`` and ``timings`` by digest; every change is on the disk before it returns.

    Several processes may have one file: each change is made to what the file holds by then.
    """

    path: Path
    runs: dict[str, Record] = field(default_factory=dict)
    floors: dict[str, Floors] = field(default_factory=dict)
    timings: dict[str, Timing] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """What the file holds, nothing where there is none. Raises InputError where it is another's or damaged."""
        if not path.exists():
            return cls(path)
        try:
            raw = json.loads(path.read_text())
            if raw["format"] != FORMAT:
                raise InputError(f"{path} has format {raw['format']}, this reads {FORMAT}: name another file by --out")
            runs = {key: Record.from_json(one) for key, one in raw["runs"].items()}
            timings = {key: Timing.from_json(one) for key, one in raw.get("timings", {}).items()}
            return cls(path, runs, raw["floors"], timings)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path} is no file of results ({error!r}), so it is neither read nor written: move it away"
            ) from error

    def result(self, digest: str) -> Result | None:
        """What a run came to; None where it was not made or failed."""
        record = self.runs.get(digest)
        return record.result if record else None

    def put(self, digest: str, record: Record) -> None:
        """Keep what became of a run."""
        with self._changing():
            self.runs[digest] = record

    def take(self, other: Self, runs: Collection[str], beside: Collection[str]) -> int:
        """Keep the other's results of these runs, and its floors ``beside`` them, where there are none here; how many
        runs those are. Timings are of a machine and stay with it."""
        with self._changing():
            new = {key: one for key, one in other.runs.items() if key in runs and one.result and not self.result(key)}
            self.runs |= new
            self.floors = {**{key: one for key, one in other.floors.items() if key in beside}, **self.floors}
        return len(new)

    def put_floors(self, digest: str, floors: Floors) -> None:
        """Keep what simple rules reach on one fold."""
        with self._changing():
            self.floors[digest] = floors

    def put_timing(self, digest: str, timing: Timing) -> None:
        """Keep what was timed."""
        with self._changing():
            self.timings[digest] = timing

    def prune(self, runs: Collection[str], beside: Collection[str]) -> int:
        """Drop all others; how many runs went. ``beside``: what stays of floors and timings."""
        with self._changing():
            before = len(self.runs)
            self.runs = {key: record for key, record in self.runs.items() if key in runs}
            self.floors = {key: one for key, one in self.floors.items() if key in beside}
            self.timings = {key: one for key, one in self.timings.items() if key in beside}
        return before - len(self.runs)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One process at a time, beginning with what the file has got meanwhile and ending with all of it written."""
        with _alone(self.path):
            self._merge(self.read(self.path))
            yield
            self._write()

    def _merge(self, there: Self) -> None:
        """With what the file holds; what is in both is ours, but for a run that failed here and not there."""
        failed = {key for key, one in there.runs.items() if one.result and not self.result(key)}
        self.runs = {**there.runs, **{key: one for key, one in self.runs.items() if key not in failed}}
        self.floors = {**there.floors, **self.floors}
        self.timings = {**there.timings, **self.timings}

    def _write(self) -> None:
        runs = {key: record.as_json() for key, record in self.runs.items()}
        timings = {key: asdict(one) for key, one in self.timings.items()}
        sections: dict[str, Mapping[str, Any]] = {"runs": runs, "floors": self.floors}
        sections |= {"timings": timings} if timings else {}
        with write_whole(self.path) as part:
            part.write_text(_lines(sections))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other process changes the file meanwhile; its folder is what is locked, as the file itself is replaced.

    Raises InputError when the disk refuses. The kernel drops the lock of a process that dies.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise InputError(
            f"{path.parent}: {error.strerror}, so {path.name} was not written: name another --out"
        ) from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _lines(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """JSON with a line for each run, so that two versions can be compared."""
    parts = [f'"format": {FORMAT}']
    for name, entries in sections.items():
        rows = ",\n".join(f"{json.dumps(key)}: {json.dumps(one, allow_nan=False)}" for key, one in entries.items())
        parts.append(f'"{name}": {{\n{rows}\n}}')
    return "{" + ",\n".join(parts) + "}\n"
