"""The file of results: each run by the digest of its scenario, written as soon as it is there."""

import json
from collections.abc import Collection, Mapping
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
    """``runs``, ``floors`` and ``timings`` by digest; every change is on the disk before it returns."""

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
                f"{path} is no file of results ({error!r}), so nothing was started: move it away"
            ) from error

    def result(self, digest: str) -> Result | None:
        """What a run came to; None where it was not made or failed."""
        record = self.runs.get(digest)
        return record.result if record else None

    def put(self, digest: str, record: Record) -> None:
        """Keep what became of a run."""
        self.runs[digest] = record
        self._write()

    def take(self, other: Self) -> int:
        """Keep the other's results of runs that have none here; how many those are."""
        new = {key: one for key, one in other.runs.items() if one.result and self.result(key) is None}
        self.runs |= new
        self._write()
        return len(new)

    def put_floors(self, digest: str, floors: Floors) -> None:
        """Keep what simple rules reach on one fold."""
        self.floors[digest] = floors
        self._write()

    def put_timing(self, digest: str, timing: Timing) -> None:
        """Keep what was timed."""
        self.timings[digest] = timing
        self._write()

    def prune(self, runs: Collection[str], beside: Collection[str]) -> int:
        """Drop all others; how many runs went. ``beside``: what stays of floors and timings."""
        before = len(self.runs)
        self.runs = {key: record for key, record in self.runs.items() if key in runs}
        self.floors = {key: one for key, one in self.floors.items() if key in beside}
        self.timings = {key: one for key, one in self.timings.items() if key in beside}
        self._write()
        return before - len(self.runs)

    def _write(self) -> None:
        runs = {key: record.as_json() for key, record in self.runs.items()}
        timings = {key: asdict(one) for key, one in self.timings.items()}
        sections: dict[str, Mapping[str, Any]] = {"runs": runs, "floors": self.floors}
        sections |= {"timings": timings} if timings else {}
        with write_whole(self.path) as part:
            part.write_text(_lines(sections))


def _lines(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """JSON with a line for each run, so that two versions can be compared."""
    parts = [f'"format": {FORMAT}']
    for name, entries in sections.items():
        rows = ",\n".join(f"{json.dumps(key)}: {json.dumps(one, allow_nan=False)}" for key, one in entries.items())
        parts.append(f'"{name}": {{\n{rows}\n}}')
    return "{" + ",\n".join(parts) + "}\n"
