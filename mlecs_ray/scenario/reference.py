"""Every key of a scenario as it is declared: what `mlecs keys` and docs/scenarios.md say.

``python -m mlecs_ray.scenario.reference docs/scenarios.md`` writes the tables there anew.
"""

import dataclasses
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.fields import Option, default, markdown, told, value
from mlecs_ray.scenario.keys import is_key, is_mapping, node_of, unknown

_MARKS = re.compile(r"(<!-- keys of a scenario[^>]*-->\n).*(<!-- end of keys -->)", re.DOTALL)


def entries(part: str | None = None) -> list[Option]:
    """Of each dotted key, or of those in the group ``part`` or that key itself.

    Raises InputError where no key has the name.
    """
    if part is not None and not is_key(part):
        raise InputError(unknown(part))
    every = list(_entries(Scenario))
    if part is None:
        return every
    inside = [one for one in every if one.name == part or one.name.startswith(f"{part}.")]
    # An entry of a mapping is told by the mapping.
    return inside or [one for one in every if one.name.endswith(".*") and part.startswith(one.name[:-1])]


def _entries(kind: Any, prefix: str = "") -> Iterator[Option]:
    hints, said, usual = get_type_hints(kind, include_extras=True), told(kind), _defaults(kind)
    for name, hint in hints.items():
        if name not in usual:
            continue
        node = node_of(hint)
        if node is not None and not is_mapping(hint):
            yield from _entries(node, f"{prefix}{name}.")
            continue
        star = ".*" if is_mapping(hint) else ""
        yield Option(f"{prefix}{name}{star}", default(_plain(usual[name])), value(hint), _written(said.get(name, "")))


def _written(what: str) -> str:
    """As a scenario file, which is JSON, has it."""
    return re.sub(r"\bNone\b", "null", what)


def _defaults(kind: Any) -> Mapping[str, Any]:
    """Of each field; MISSING where it must be set."""
    if dataclasses.is_dataclass(kind):
        return {
            one.name: _made(one.default, one.default_factory, dataclasses.MISSING) for one in dataclasses.fields(kind)
        }
    fields = kind.model_fields.items()
    return {
        name: dataclasses.MISSING if one.is_required() else one.get_default(call_default_factory=True)
        for name, one in fields
    }


def _made(usual: Any, factory: Any, missing: Any) -> Any:
    return factory() if usual is missing and factory is not missing else usual


def _plain(usual: Any) -> Any:
    if isinstance(usual, BaseModel):
        return usual.model_dump(mode="json")
    return dataclasses.asdict(usual) if dataclasses.is_dataclass(usual) and not isinstance(usual, type) else usual


def tables() -> str:
    """All keys as Markdown: those of the scenario itself, then a table for each group."""
    groups: dict[str, list[Option]] = {}
    for one in entries():
        groups.setdefault(one.name.partition(".")[0] if "." in one.name else "", []).append(one)
    parts = [
        f"### {f'`{group}`' if group else 'The run'}\n\n{markdown('key', found)}" for group, found in groups.items()
    ]
    return "\n".join(parts)


def rewritten(text: str) -> str:
    """``text`` with the tables between its marks as they are now."""
    return _MARKS.sub(lambda found: f"{found[1]}\n{tables()}\n{found[2]}", text)


if __name__ == "__main__":
    for file in map(Path, sys.argv[1:]):
        file.write_text(rewritten(file.read_text()))
