"""Files that a scenario names, in full: actors and resumed runs have other working folders."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.modules import full
from mlecs_ray.scenario.overrides import apply, expand


def absolute(scenario: Scenario) -> Scenario:
    """The same scenario wherever it is run from; the folder of now is what its paths start from."""
    singles = {name: single for name, _, single in expand(scenario)}
    variants = {name: {**changes, **_moved(singles[name])} for name, changes in scenario.variants.items()}
    plain = scenario.model_copy(update={"variants": {}})
    return apply(plain, {**_moved(plain), "variants": variants})


def _moved(scenario: Scenario) -> dict[str, Any]:
    """The keys whose values become others in full; a variant's come last, however it had named them."""
    values = {key: attrgetter(key)(scenario) for key in _KINDS}
    full = {key: _KINDS[key](value) for key, value in values.items() if value}
    return {key: value for key, value in full.items() if value != values[key]}


def _file(path: str) -> str:
    return str(full(path))


def _named(name: str) -> str:
    """``path.py:Name``; a name of what ships stays what it is."""
    path, colon, attribute = name.rpartition(":")
    return f"{_file(path)}:{attribute}" if colon else name


def _model(name: str) -> str:
    """A name of a shipped model, of a hub or ``hf:`` stays what it is."""
    if name.startswith("file:"):
        return f"file:{_file(name.removeprefix('file:'))}"
    return _file(name) if "/" in name and full(name).exists() else name


_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "data.path": _file,
    "clients.availability.trace": _file,
    "method.name": _named,
    "method.base.name": _named,
    "task.network": _named,
    "clients.structures": lambda names: {device: _model(name) for device, name in names.items()},
    "task.slms": lambda names: tuple(_model(name) for name in names),
    "task.cloud_llm": _model,
}
