"""Fields as people read them: what one may be, what it is when nobody sets it, and the docstring below it."""

import ast
import dataclasses
import inspect
import json
import textwrap
import types
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

_NAMES: Mapping[Any, str] = {
    float: "number",
    int: "whole number",
    bool: "true or false",
    str: "text",
    type(None): "null",
}
_BOUNDS: Mapping[str, str] = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
HEADER = ("default", "value", "what")


class Option(NamedTuple):
    """One field, as text."""

    name: str
    default: str
    value: str
    """What it may be."""
    what: str
    """The docstring below its field; "" where it has none."""


def markdown(title: str, options: list[Option]) -> str:
    """A Markdown table of them, under ``title`` the names."""
    rows = [(title, *HEADER), ("---",) * 4]
    rows += [(f"`{one.name}`", f"`{one.default}`", one.value, one.what.replace("``", "`")) for one in options]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)


def told(kind: type[Any]) -> dict[str, str]:
    """Field -> the docstring that stands below it, on one line; inherited ones too."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        # What others wrote, as pydantic's own classes, is told nowhere here.
        if one.__module__ == "builtins" or one.__module__.partition(".")[0] in ("pydantic", "typing", "abc"):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(one))).body[0]
        found |= dict(_docstrings(body.body)) if isinstance(body, ast.ClassDef) else {}
    return found


def _docstrings(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                yield name, " ".join(said.split())


def default(value: Any) -> str:
    """As a scenario file writes it."""
    return "must be set" if value is dataclasses.MISSING else json.dumps(value)


def value(hint: Any) -> str:
    """What a field of this type may be, with its bounds."""
    inner = get_args(hint)
    if get_origin(hint) is Annotated:
        bounds = " and ".join(_bounds(inner[1:]))
        return f"{value(inner[0])} {bounds}".rstrip()
    if get_origin(hint) is Literal:
        return " or ".join(f"`{one}`" for one in _words(inner))
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(map(value, inner))
    if get_origin(hint) is tuple:
        each = value(inner[0]).replace(" or ", ", ")
        return f"list of {each}" if inner[-1] is ... else f"list of {len(inner)}: {each}"
    if get_origin(hint) is dict:
        return value(inner[1])
    return _NAMES.get(hint, "anything" if hint is Any else getattr(hint, "__name__", str(hint)))


def _words(given: tuple[Any, ...]) -> list[Any]:
    """A literal may be made of others."""
    return [word for one in given for word in (_words(get_args(one)) if get_origin(one) is Literal else [one])]


def _bounds(extras: tuple[Any, ...]) -> Iterator[str]:
    rules = [rule for one in extras for rule in getattr(one, "metadata", (one,))]
    for rule in rules:
        yield from (f"{sign} {getattr(rule, name):g}" for name, sign in _BOUNDS.items() if hasattr(rule, name))
