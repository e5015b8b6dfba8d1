"""The Python files of a user's own that a run is made with: told apart by their bytes, and kept with what they made."""

import hashlib
from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

from mlecs_ray.errors import InputError
from mlecs_ray.run.records import read_manifest, write_whole
from mlecs_ray.scenario.config import Scenario

FOLDER = "own"
"""Below a run: a copy of each file, as it was when the run began."""
_METHODS = ("method.name", "method.base.name")
_KEYS = ("task.network", *_METHODS)
"""That may name ``path.py:Name``."""


def digests(scenario: Scenario) -> dict[str, str]:
    """File -> SHA-256, of those that the scenario names; what they import themselves is not among them."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in _files(scenario)}


def keep(folder: Path, scenario: Scenario) -> None:
    """Copy them into the run's folder. Raises InputError when the disk refuses."""
    for path in _files(scenario):
        with write_whole(_copy(folder, path)) as part:
            part.write_bytes(path.read_bytes())


def check(folder: Path) -> None:
    """Raise InputError where a file is not what it was when the run began: it would go on as another."""
    told: Mapping[str, Any] = read_manifest(folder).get("own") or {}
    for name, before in told.items():
        path = Path(name)
        now = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "none"
        if now != before:
            raise InputError(
                f"{path} is not the file that the run began with (SHA-256 {before[:12]}, now {now[:12]}), so it would "
                f"go on as another run: put back {_copy(folder, path)}, or run the scenario again"
            )


def _files(scenario: Scenario) -> list[Path]:
    keys = _KEYS if scenario.task.kind == "network" else _METHODS
    named = dict.fromkeys(attrgetter(key)(scenario).rpartition(":")[0] for key in keys)
    return [Path(path).expanduser() for path in named if path]


def _copy(folder: Path, path: Path) -> Path:
    """Files of one name in two folders are two copies."""
    return folder / FOLDER / f"{path.stem}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}{path.suffix}"
