"""Every key of a scenario as it is declared: what `mlecs keys` and docs/scenarios.md say.

``python -m mlecs_ray.scenario.reference docs/scenarios.md`` writes the tables there anew.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import MISSING
from functools import lru_cache
from operator import attrgetter
from pathlib import Path

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.fields import Option, default, markdown, told, value
from mlecs_ray.scenario.keys import fields, is_key, unknown

_MARKS = re.compile(r"(<!-- keys of a scenario[^>]*-->\n).*(<!-- end of keys -->)", re.DOTALL)
_REQUIRED = "name"
"""The only key without a default."""
_told = lru_cache(told)
"""Once for all fields of a class."""


def entries(part: str | None = None) -> list[Option]:
    """Of each dotted key, or of those in the group ``part`` or that key itself.

    Raises InputError where no key has the name.
    """
    if part is not None and not is_key(part):
        raise InputError(unknown(part))
    every = list(_entries())
    if part is None:
        return every
    inside = [one for one in every if one.name == part or one.name.startswith(f"{part}.")]
    # An entry of a mapping is told by the mapping.
    return inside or [one for one in every if one.name.endswith(".*") and part.startswith(one.name[:-1])]


def _entries() -> Iterator[Option]:
    usual = Scenario(name="any")
    for field in fields():
        known = MISSING if field.path == _REQUIRED else attrgetter(field.path)(usual)
        # As a scenario file, which is JSON, has it.
        said = re.sub(r"\bNone\b", "null", _told(field.kind).get(field.name, ""))
        yield Option(field.key, default(known), value(field.hint), said)


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
