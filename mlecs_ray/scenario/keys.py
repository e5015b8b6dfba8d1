"""The dotted keys of a scenario, and what an unknown one may have meant."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import BaseModel

from mlecs_ray.scenario.config import Scenario


class Field(NamedTuple):
    """One key, as it is declared."""

    path: str
    """Dotted."""
    kind: Any
    """The class that declares it."""
    hint: Any

    @property
    def name(self) -> str:
        """As it is declared."""
        return self.path.rpartition(".")[2]

    @property
    def key(self) -> str:
        """As --set takes it; a mapping ends in ``*``."""
        return f"{self.path}.*" if _is_mapping(self.hint) else self.path


def all_keys() -> Iterator[str]:
    """Every dotted key of a scenario; a mapping ends in ``*``."""
    return (field.key for field in fields())


@lru_cache(maxsize=1)
def fields() -> tuple[Field, ...]:
    """What declares each key of a scenario, in their order."""
    return tuple(_below(Scenario, ""))


def _below(kind: Any, prefix: str) -> Iterator[Field]:
    hints = typing.get_type_hints(kind, include_extras=True)
    names = [one.name for one in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else kind.model_fields
    for name in names:
        node = next((part for part in (*typing.get_args(hints[name]), hints[name]) if _is_node(part)), None)
        if node is not None and not _is_mapping(hints[name]):
            yield from _below(node, f"{prefix}{name}.")
        else:
            yield Field(prefix + name, kind, hints[name])


def _is_node(hint: Any) -> bool:
    return (
        isinstance(hint, type)
        and not isinstance(hint, types.GenericAlias)
        and (issubclass(hint, BaseModel) or dataclasses.is_dataclass(hint))
    )


def _is_mapping(hint: Any) -> bool:
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
