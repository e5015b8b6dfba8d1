"""Files that a scenario names, in full: actors and resumed runs have other working folders."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply


def absolute(scenario: Scenario) -> Scenario:
    """The same scenario wherever it is run from; the folder of now is what its paths start from."""
    named = {
        "data.path": scenario.data.path,
        "clients.availability.trace": scenario.clients.availability.trace,
        "method.name": scenario.method.name,
        "method.base.name": scenario.method.base.name,
        "clients.structures": scenario.clients.structures,
        "task.slms": list(scenario.task.slms),
        "task.cloud_llm": scenario.task.cloud_llm,
    }
    variants = {name: _full(changes) for name, changes in scenario.variants.items()}
    return apply(scenario, {**_full(named), "variants": variants})


def _full(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _kind(key)(value) if value else value for key, value in changes.items()}


def _kind(key: str) -> Callable[[Any], Any]:
    # A mapping is named whole or by one of its entries.
    return _model if key.startswith("clients.structures.") else _KINDS.get(key, lambda value: value)


def _file(path: str) -> str:
    return str(Path(path).expanduser().resolve())


def _method(name: str) -> str:
    path, colon, attribute = name.rpartition(":")
    return f"{_file(path)}:{attribute}" if colon else name


def _model(name: str) -> str:
    """A name of a shipped model or of a hub stays what it is."""
    return _file(name) if "/" in name and Path(name).expanduser().exists() else name


_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "data.path": _file,
    "clients.availability.trace": _file,
    "method.name": _method,
    "method.base.name": _method,
    "clients.structures": lambda names: {device: _model(name) for device, name in names.items()},
    "task.slms": lambda names: [_model(name) for name in names],
    "task.cloud_llm": _model,
}
