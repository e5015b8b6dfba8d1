"""The options of the shipped methods as they are declared: what `mlecs list NAME` and the tables of the docs say.

``python -m mlecs_ray.scenario.manual docs/methods.md`` writes those tables anew.
"""

import ast
import dataclasses
import inspect
import json
import re
import sys
import textwrap
import types
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from mlecs_ray.methods.fedavg import FedAvg
from mlecs_ray.scenario.compose import KINDS, hyperparameters
from mlecs_ray.scenario.names import known_method

HEADER = ("option", "default", "value", "what")
_NAMES: Mapping[Any, str] = {
    float: "number",
    int: "whole number",
    bool: "true or false",
    str: "text",
    type(None): "null",
}
_MARKS = re.compile(r"(<!-- options of (\w+)[^>]*-->\n).*?(<!-- end of options -->)", re.DOTALL)


class Option(NamedTuple):
    """One option, as text."""

    name: str
    default: str
    value: str
    """What it may be."""
    what: str
    """The docstring below its field; "" where it has none."""


def options(name: str) -> list[Option]:
    """Those of the method ``name``, in their order. Raises InputError where none that ships has the name."""
    kind = KINDS.get(known_method(name))
    return options_of(kind) if kind else []


def about(name: str) -> str:
    """What the method is: its docstring, a paragraph a line."""
    kind = KINDS.get(known_method(name), FedAvg)
    return "\n".join(" ".join(part.split()) for part in inspect.cleandoc(kind.__doc__ or "").split("\n\n"))


def options_of(kind: type[Any]) -> list[Option]:
    """The fields of a method's dataclass that a scenario may set."""
    hints, told = get_type_hints(kind), _told(kind)
    return [
        Option(name, _default(default), _value(hints[name]), told.get(name, ""))
        for name, default in hyperparameters(kind).items()
    ]


def table(name: str) -> str:
    """The options of a method as a Markdown table."""
    rows = [HEADER, ("---",) * len(HEADER)]
    rows += [(f"`{one.name}`", f"`{one.default}`", one.value, one.what.replace("``", "`")) for one in options(name)]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)


def rewritten(text: str) -> str:
    """``text`` with the tables between ``<!-- options of NAME -->`` and ``<!-- end of options -->`` as they are now."""
    return _MARKS.sub(lambda found: f"{found[1]}\n{table(found[2])}\n{found[3]}", text)


def _told(kind: type[Any]) -> dict[str, str]:
    """Field -> the docstring that stands below it, on one line."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    return dict(_docstrings(body.body)) if isinstance(body, ast.ClassDef) else {}


def _docstrings(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                yield name, " ".join(said.split())


def _default(value: Any) -> str:
    return "must be set" if value is dataclasses.MISSING else json.dumps(value)


def _value(hint: Any) -> str:
    inner = get_args(hint)
    if get_origin(hint) is Literal:
        return " or ".join(f"`{one}`" for one in inner)
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(map(_value, inner))
    if get_origin(hint) is tuple:
        each = _value(inner[0]).replace(" or ", ", ")
        return f"list of {each}" if inner[-1] is ... else f"list of {len(inner)}: {each}"
    return _NAMES.get(hint, getattr(hint, "__name__", str(hint)))


if __name__ == "__main__":
    for file in map(Path, sys.argv[1:]):
        file.write_text(rewritten(file.read_text()))
