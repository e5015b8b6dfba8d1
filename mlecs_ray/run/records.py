"""The run folder: what happened, what it cost and how well it went, as Parquet that anything can read."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from mlecs_ray.errors import InputError
from mlecs_ray.run.columns import Columns
from mlecs_ray.run.rows import SCHEMAS, EventRow, MetricRow, Scope, TrafficRow

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FORMAT",
    "Counts",
    "EventRow",
    "MetricRow",
    "Recorder",
    "Run",
    "Scope",
    "Study",
    "StudyRun",
    "TrafficRow",
    "is_study",
    "read_json",
    "read_manifest",
    "read_run",
    "read_study",
    "write_manifest",
    "write_study",
    "write_whole",
]

FORMAT = 1
"""Of the folder; raised whenever an older reader would misread a newer folder."""


@dataclass(frozen=True)
class Counts:
    """How many rows the records had at one moment; a checkpoint stores it."""

    events: int
    traffic: int
    metrics: int


class Recorder:
    """Gathers the rows of a run in memory and writes them, whole, as often as it is asked to."""

    def __init__(self) -> None:
        self._columns = {name: Columns(schema) for name, schema in SCHEMAS.items()}

    def event(self, row: EventRow) -> None:
        """Add to the log; the row's place in it is its ``seq``."""
        self._columns["events"].append(row)

    def traffic(self, row: TrafficRow) -> None:
        """Add a job that has ended, or that still runs when the run ends."""
        self._columns["traffic"].append(row)

    def metric(self, row: MetricRow) -> None:
        """Add a number that was measured."""
        self._columns["metrics"].append(row)

    def counts(self) -> Counts:
        """What a checkpoint must remember to be able to ``truncate``."""
        return Counts(**{name: len(columns) for name, columns in self._columns.items()})

    def truncate(self, counts: Counts) -> None:
        """Drop the rows that came after the checkpoint that stored ``counts``; the resumed run writes them again.

        Raises InputError when rows that the checkpoint knew are gone.
        """
        for name, rows in asdict(counts).items():
            if len(self._columns[name]) < rows:
                raise InputError(
                    f"{name}.parquet has {len(self._columns[name])} rows but the checkpoint was made after {rows}; "
                    "the run cannot be resumed to the same end"
                )
            self._columns[name].truncate(rows)

    def digest(self) -> str:
        """sha256 of the event log itself: the same for the same events, however Parquet encodes them."""
        log = hashlib.sha256()
        events = self._columns["events"]
        for name, column in events.by_name.items():
            log.update(f"{name}:{len(events)}:".encode())
            log.update(column.plain())
        return log.hexdigest()

    def write(self, folder: Path) -> None:
        """Write the three Parquet files, each whole or not at all. Raises InputError when the disk refuses."""
        for name, columns in self._columns.items():
            with write_whole(folder / f"{name}.parquet") as part:
                pq.write_table(columns.table(), part, compression="zstd")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The recorder that wrote this folder, ready to go on. Raises InputError like ``read_run``."""
        recorder = cls()
        for name, columns in recorder._columns.items():
            columns.fill(_read_table(folder, name))
        return recorder


@dataclass(frozen=True)
class Run:
    """A run folder, read."""

    path: Path
    manifest: Mapping[str, Any]
    """``scenario.json``."""
    events: "pd.DataFrame"
    traffic: "pd.DataFrame"
    metrics: "pd.DataFrame"


@dataclass(frozen=True)
class StudyRun:
    """One run of a study; ``path`` is relative to the study's folder."""

    variant: str
    seed: int
    path: str


@dataclass(frozen=True)
class Study:
    """Several variants of one scenario, each with several seeds; the first variant is the reference."""

    path: Path
    name: str
    runs: tuple[StudyRun, ...]
    metric: str
    higher_is_better: bool

    @property
    def variants(self) -> tuple[str, ...]:
        """In the order in which they are listed."""
        return tuple(dict.fromkeys(run.variant for run in self.runs))


def read_run(folder: Path) -> Run:
    """Read a run folder.

    Raises InputError when it is no run folder, was written by another format, or has a damaged or missing file.
    """
    if is_study(folder) and not (folder / "scenario.json").exists():
        names = ", ".join(run.path for run in read_study(folder).runs[:4])
        raise InputError(f"{folder} is a study, not a run; name one of its runs: {names}")
    manifest = read_manifest(folder)
    return Run(folder, manifest, *(_frame(_read_table(folder, name)) for name in SCHEMAS))


def read_manifest(folder: Path) -> dict[str, Any]:
    """``scenario.json``. Raises InputError where there is none, or one of another format."""
    return read_json(folder / "scenario.json", "run")


def is_study(folder: Path) -> bool:
    """Whether the folder holds several runs."""
    return (folder / "study.json").exists()


def read_study(folder: Path) -> Study:
    """Read what a study consists of (not its runs). Raises InputError like ``read_run``."""
    path = folder / "study.json"
    raw = read_json(path, "study")
    try:
        # Without variants a study is several seeds of one thing, which then goes by the study's name.
        runs = tuple(StudyRun(run["variant"] or raw["name"], int(run["seed"]), run["path"]) for run in raw["runs"])
        return Study(folder, raw["name"], runs, raw["metric"], raw["higher_is_better"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error!r}); the study cannot be read") from error


def write_study(study: Study) -> None:
    """Write ``study.json`` into the study's folder. Raises InputError when the disk refuses."""
    _write_json(study.path / "study.json", {k: v for k, v in asdict(study).items() if k != "path"})


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write ``scenario.json``, format included. Raises InputError when the disk refuses."""
    _write_json(folder / "scenario.json", manifest)


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    with write_whole(path) as part:
        part.write_text(json.dumps({"format": FORMAT, **value}, indent=2) + "\n")


def read_json(path: Path, noun: str, expected: int = FORMAT) -> dict[str, Any]:
    """A file that says its ``format``. Raises InputError where there is none, or it is damaged or of another format."""
    if not path.is_file():
        raise InputError(f"{path.parent} is no {noun} folder: it has no {path.name}, so there is nothing to read")
    try:
        manifest = json.loads(path.read_text())
        found = manifest.get("format")
    except (ValueError, AttributeError) as error:
        raise InputError(f"{path} is damaged ({error}); the {noun} cannot be read") from error
    if found != expected:
        raise InputError(
            f"{path.parent} was written by format {found}, this reads {expected}: "
            "use the version of mlecs-ray that wrote it, or run it again"
        )
    return dict(manifest)


def _read_table(folder: Path, name: str) -> pa.Table:
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise InputError(f"{path} is missing: the run stopped before it first wrote its records; run it again")
    try:
        table = pq.ParquetFile(path).read()
        return table.select(SCHEMAS[name].names).cast(SCHEMAS[name])
    except (pa.ArrowException, KeyError, OSError) as error:
        raise InputError(f"{path} is damaged ({_first_line(error)}); the run cannot be read") from error


def _first_line(error: Exception) -> str:
    return str(error).strip("'").splitlines()[0] if str(error) else type(error).__name__


def _frame(table: pa.Table) -> "pd.DataFrame":
    frame: pd.DataFrame = table.to_pandas(maps_as_pydicts="strict")
    return frame


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """A file to write beside ``path``, which takes its name at the end: a crash leaves the old file or the new one."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise InputError(
            f"{path.parent}: {error.strerror or error}, so {path.name} was not written; "
            "what was there before is whole: make room and try again"
        ) from error
