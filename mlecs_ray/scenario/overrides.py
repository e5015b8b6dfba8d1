"""``--set key=value``: reaches every field of a scenario, typed and checked before anything starts."""

import copy
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.config import MethodConfig, Scenario
from mlecs_ray.scenario.keys import all_keys, is_key, unknown

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")


def parse(assignment: str) -> tuple[str, Any]:
    """``key=value``, the value as JSON where it is JSON, else as text."""
    key, equals, text = assignment.partition("=")
    if not equals or not key:
        raise InputError(f"--set {assignment!r} is not of the form key=value, so it sets nothing")
    try:
        return key, json.loads(text)
    except ValueError:
        return key, text


def apply(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """The scenario with these dotted keys changed; raises InputError naming the key, the value and the rule."""
    raw = scenario.model_dump(mode="json")
    for key, value in changes.items():
        if not is_key(key):
            raise InputError(unknown(key))
        node, last = _place(raw, key)
        short = _shortcut(node, last, value)
        node[last] = _with_kind(node[last], short, value) if short else value
    return validate(raw)


def dotted(scenario: Scenario, changes: Mapping[str, Any]) -> list[str]:
    """The fields that ``apply`` would set: each in full, whether named so, by a shortcut or inside a mapping."""
    raw = scenario.model_dump(mode="json")
    return [field for key, value in changes.items() if is_key(key) for field in _fields(raw, key, value)]


def _fields(raw: dict[str, Any], key: str, value: Any) -> list[str]:
    node, last = _place(copy.deepcopy(raw), key)
    if short := _shortcut(node, last, value):
        return [f"{key}.{short}"]
    if isinstance(value, dict) and value and isinstance(node.get(last), dict):
        return [field for part, inner in value.items() for field in _fields(raw, f"{key}.{part}", inner)]
    return [key]


def _with_kind(node: Mapping[str, Any], short: str, value: str) -> dict[str, Any]:
    """``node`` of another kind; what else is set stays, but for a method's options and base, which are another's."""
    afresh = {key: default for key, default in MethodConfig().model_dump().items() if key != "name"}
    return {**{key: afresh.get(key, kept) for key, kept in node.items()}, short: value}


def _place(raw: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    """The mapping in which the last part of ``key`` lies, and that part."""
    *parents, last = key.split(".")
    if key.startswith("variants.") and len(parents) > 1:
        # What a variant changes are dotted keys themselves.
        parents, last = parents[:2], ".".join([*parents[2:], last])
    node: Any = raw
    for depth, parent in enumerate(parents):
        node = node.setdefault(parent, {})
        if not isinstance(node, dict):
            where = ".".join(parents[: depth + 1])
            raise InputError(f"{where} is {node!r}, which has nothing inside, so {key} cannot be set")
    return node, last


def _shortcut(node: Mapping[str, Any], last: str, value: Any) -> str | None:
    """``clients.masks=fixed`` for ``clients.masks.kind=fixed``, ``method=mma`` for ``method.name=mma``."""
    inside = node.get(last)
    if not isinstance(value, str) or not isinstance(inside, dict):
        return None
    return next((name for name in ("kind", "name") if name in inside), None)


def validate(raw: Any) -> Scenario:
    """A scenario from plain values; the first broken rule becomes one line."""
    try:
        # As JSON, because that is where lists are tuples and yet true is no number and "3" neither.
        return Scenario.model_validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        raise InputError(_rule(error)) from None


def _rule(error: ValidationError) -> str:
    first = error.errors()[0]
    where = _where(first["loc"])
    if first["type"] in _UNKNOWN:
        return unknown(where)
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, InputError):
        return str(cause) if not where or str(cause).startswith(where) else f"{where}: {cause}"
    # Of a union, each alternative says what it wants.
    wants = dict.fromkeys(e["msg"] for e in error.errors() if _where(e["loc"]) == where)
    rules = " or ".join(want[0].lower() + want[1:] for want in wants)
    return f"{where or 'a scenario'}={first['input']!r}: {rules}, so nothing was started"


def _where(loc: tuple[int | str, ...]) -> str:
    """The key that a rule is about, without pydantic's names for parts of types."""
    fields = frozenset(all_keys())
    for end in range(1, len(loc) + 1):
        if ".".join(map(str, loc[:end])) in fields:
            loc = (*loc[:end], *(part for part in loc[end:] if isinstance(part, int)))
            break
    return ".".join(str(part) for part in loc if part != "[key]")


def expand(scenario: Scenario) -> list[tuple[str, int, Scenario]]:
    """The runs of a scenario as (variant, seed, scenario without variants), reference first."""
    base = scenario.model_copy(update={"variants": {}, "seeds": ()})
    variants = scenario.variants or {"": {}}
    return [
        (name, seed, _variant(base, name, {**changes, "seed": seed}))
        for name, changes in variants.items()
        for seed in scenario.seeds or (scenario.seed,)
    ]


def _variant(base: Scenario, name: str, changes: Mapping[str, Any]) -> Scenario:
    try:
        return apply(base, changes)
    except InputError as error:
        raise InputError(f"variants.{name}: {error}" if name else str(error)) from None
