"""The named scenarios."""

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import validate
from scenarios import (
    captions,
    dedicated,
    dropouts,
    person_search,
    shifting_edge,
    smoke,
    stamps,
    stragglers,
    urfall,
    vast,
)

SCENARIOS: Mapping[str, Scenario] = {
    module.SCENARIO.name: module.SCENARIO
    for module in (stamps, stragglers, dropouts, shifting_edge, person_search, captions, dedicated, smoke, vast, urfall)
}


def find(name: str) -> Scenario:
    """The scenario of this name, or of this JSON file (a run's ``scenario.json`` will do)."""
    if name in SCENARIOS:
        return SCENARIOS[name]
    if name.endswith(".json"):
        return _read(Path(name))
    close = difflib.get_close_matches(name, SCENARIOS, 1)
    hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(SCENARIOS)}, or a .json file"
    raise InputError(f"{name!r} is no scenario, so nothing was started{hint}")


def _read(path: Path) -> Scenario:
    try:
        raw = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a scenario ({error}), so nothing was started") from error
    if isinstance(raw, dict) and "scenario" in raw:
        # A run's own file: of another format it may mean something else.
        raw = _of_run(path.parent) if path.name == "scenario.json" else raw["scenario"]
    try:
        return validate(raw)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _of_run(folder: Path) -> Any:
    # Whoever names a shipped scenario, or misspells one, need not wait for what reads records.
    from mlecs_ray.run.records import read_manifest

    return read_manifest(folder)["scenario"]
