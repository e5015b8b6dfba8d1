"""The dotted keys of a scenario, and what an unknown one may have meant."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from mlecs_ray.scenario.config import Scenario


def all_keys(kind: Any = Scenario, prefix: str = "") -> Iterator[str]:
    """Every dotted key of a scenario; a mapping ends in ``*``."""
    for name, hint in _fields(kind).items():
        node = node_of(hint)
        if node is not None and not is_mapping(hint):
            yield from all_keys(node, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}.*" if is_mapping(hint) else prefix + name


def node_of(hint: Any) -> Any:
    """The group of keys that a field of this type, or one of its parts, is; None where it is a value."""
    return next((part for part in (*typing.get_args(hint), hint) if _is_node(part)), None)


def _fields(kind: Any) -> dict[str, Any]:
    return (
        typing.get_type_hints(kind)
        if dataclasses.is_dataclass(kind)
        else {name: field.annotation for name, field in kind.model_fields.items()}
    )


def _is_node(hint: Any) -> bool:
    return (
        isinstance(hint, type)
        and not isinstance(hint, types.GenericAlias)
        and (issubclass(hint, BaseModel) or dataclasses.is_dataclass(hint))
    )


def is_mapping(hint: Any) -> bool:
    """Whether its keys are the user's to name."""
    return typing.get_origin(hint) is dict


def is_key(key: str) -> bool:
    """Whether a scenario has this key: a field, a group of fields, or an entry of a mapping."""
    return key in _known() or any(n.endswith(".*") and key.startswith(n[:-1]) for n in all_keys())


def unknown(key: str) -> str:
    """Why ``key`` is refused, and the key that was meant or those that there are."""
    return f"{key} is no key of a scenario, so nothing was started{_hint(key)}"


def _known() -> list[str]:
    """Fields and groups of fields, mappings without their star."""
    names = [name.removesuffix(".*") for name in all_keys()]
    groups = (".".join(name.split(".")[:i]) for name in names for i in range(1, name.count(".") + 1))
    return list(dict.fromkeys([*names, *groups]))


def _hint(key: str) -> str:
    known, (parent, _, last) = _known(), key.rpartition(".")
    beside = {name.rpartition(".")[2]: name for name in known if parent and name.rpartition(".")[0] == parent}
    near = [beside[name] for name in difflib.get_close_matches(last, beside, 1)]
    near += [name for name in known if name.rpartition(".")[2] == last]
    if not beside:
        near = difflib.get_close_matches(key, known, 1) or near
    if near:
        return f"; did you mean {near[0]}?"
    return f"; {parent} has {', '.join(beside)}" if beside else "; `mlecs keys` lists them all"
