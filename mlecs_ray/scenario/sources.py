"""The Python files of a user's own that a scenario names, told apart by their bytes."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from pathlib import Path

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.modules import source_of

_KEYS = ("task.network", "method.name", "method.base.name")
"""That may name ``path.py:Name``."""


def files(scenario: Scenario) -> list[Path]:
    """Each once."""
    named = dict.fromkeys(attrgetter(key)(scenario).rpartition(":")[0] for key in _KEYS)
    return [Path(path).expanduser() for path in named if path]


def digest(path: Path) -> str:
    """SHA-256 of the bytes that this process executed, whatever lies there now, or would execute."""
    return hashlib.sha256(source_of(path)).hexdigest()


def digests(scenario: Scenario) -> dict[str, str]:
    """File -> SHA-256, of those that the scenario names; what they import themselves is not among them.

    Raises InputError where there is no such file.
    """
    return {str(path): digest(path) for path in files(scenario)}


def changed(told: Mapping[str, str], now: Callable[[Path], str] = digest) -> Iterator[tuple[Path, str]]:
    """The files of which this process has executed, or would execute, others than ``told``, and how that is said."""
    for name, before in told.items():
        path = Path(name)
        if (found := now(path)) != before:
            yield path, f"is not the file that the run began with (SHA-256 {before[:12]}, now {found[:12]})"


def check_executed(told: Mapping[str, str]) -> None:
    """Raise InputError where an actor would be made with other files than ``told``, or one of them is gone."""
    for path, why in changed(told):
        raise InputError(
            f"{path} {why}, so this actor would train by another: put back the copy in the run's own/ and resume"
        )
