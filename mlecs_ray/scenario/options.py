"""The options of a method: there, complete, and of the types that it declares."""

import difflib
import inspect
import math
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from mlecs_ray.errors import InputError

PLAIN: Mapping[type, str] = {float: "a finite number", int: "a whole number", bool: "true or false"}
"""Types that are judged here; others have rules of their own, told by the method."""
LISTS = 'as JSON writes it: [1, 2] or ["a", "b"]'


def check_options(
    kind: Callable[..., Any], name: str, key: str, given: Sequence[str], options: Mapping[str, Any]
) -> None:
    """Raise InputError for an option that ``kind`` does not have, lacks, or declares of another type; what is ``given``
    is no option."""
    allowed = {option: value for option, value in inspect.signature(kind).parameters.items() if option not in given}
    for option in sorted(options.keys() - allowed.keys()):
        close = difflib.get_close_matches(option, allowed, 1)
        hint = f"; did you mean {close[0]}?" if close else f"; it has {', '.join(sorted(allowed)) or 'none'}"
        raise InputError(f"{key}.options.{option} is no option of {name}, so nothing was started{hint}")
    for option, value in allowed.items():
        # *args and **kwargs may well be given nothing.
        needed = value.default is value.empty and value.kind not in (value.VAR_POSITIONAL, value.VAR_KEYWORD)
        if needed and option not in options:
            raise InputError(f"{key}.options.{option} must be set for {name}, which has no usual value for it")
        if option in options and (rule := _rule(options[option], value.annotation)):
            raise InputError(f"{key}.options.{option}={options[option]!r} must be {rule}, or {name} cannot be made")


def ready(kind: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """``options`` as ``kind`` takes them: JSON has lists where methods have tuples, and one word stands for a list of
    it where texts are listed."""
    hints = {name: one.annotation for name, one in inspect.signature(kind).parameters.items()}
    return {name: _made(value, hints.get(name)) for name, value in options.items()}


def _made(value: Any, hint: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str) and _lists_texts(hint) else value


def _rule(value: Any, hint: Any) -> str | None:
    """What a value of this type must be; None where it is, or that is the method's own to judge."""
    if get_origin(hint) in (Union, types.UnionType):
        rules = [_rule(value, one) for one in get_args(hint)]
        return None if None in rules else " or ".join(rule for rule in rules if rule)
    if hint is type(None):
        return "null" if value is not None else None
    if get_origin(hint) is tuple:
        listed = isinstance(value, list | tuple) or (isinstance(value, str) and _lists_texts(hint))
        return None if listed else f"a list, {LISTS}"
    plain = next((one for one in PLAIN if one is hint), None)
    return PLAIN[plain] if plain and not _fits(value, plain) else None


def _lists_texts(hint: Any) -> bool:
    """Whether it is a tuple of any number of texts."""
    each, *more = get_args(hint) if get_origin(hint) is tuple else (None,)
    named = get_origin(each) is Literal and all(isinstance(one, str) for one in get_args(each))
    return more == [...] and (each is str or named)


def _fits(value: Any, kind: type) -> bool:
    # A bool is an int to Python, and no number to anybody else.
    if isinstance(value, bool) or kind is not float:
        return type(value) is kind
    return isinstance(value, int | float) and math.isfinite(value)
