"""The Python files of a user's own that a run is made with: told apart by their bytes, and kept with what they made."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from mlecs_ray.errors import InputError
from mlecs_ray.run.records import read_manifest, write_whole
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.modules import is_loaded, source_of
from mlecs_ray.scenario.sources import changed, digest, files

FOLDER = "own"
"""Below a run: a copy of each file, as it was executed when the run began."""


def keep(folder: Path, scenario: Scenario) -> None:
    """Copy them into the run's folder, as they were executed. Raises InputError when the disk refuses."""
    for path in files(scenario):
        source = source_of(path)
        with write_whole(_copy(folder, path)) as part:
            part.write_bytes(source)


def check(folder: Path) -> None:
    """Raise InputError where a file is not what it was when the run began: it would go on as another."""
    check_same(read_manifest(folder).get("own") or {}, folder, "it would go on as another run")


def check_same(told: Mapping[str, str], run: Path, consequence: str) -> None:
    """Raise InputError where this process has executed, or would execute, other files than ``told`` in ``run``."""
    for path, why in changed(told, _now):
        copy = _copy(run, path)
        again = " and start anew, as this process keeps the file that it loaded" if is_loaded(path) else ""
        raise InputError(
            f"{path.absolute()} {why}, so {consequence}: put back {copy if copy.is_file() else 'the one of then'}"
            f"{again}, or run the scenario again"
        )


def _now(path: Path) -> str:
    """``none`` where there is no file that can be read."""
    try:
        return digest(path)
    except InputError:
        return "none"


def _copy(folder: Path, path: Path) -> Path:
    """Files of one name in two folders are two copies."""
    return folder / FOLDER / f"{path.stem}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}{path.suffix}"
