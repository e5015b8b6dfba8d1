"""The options of a method: there, complete, and of the types that it declares."""

import difflib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlecs_ray.errors import InputError

PLAIN: Mapping[type, str] = {float: "a finite number", int: "a whole number", bool: "true or false"}
"""Types that are judged here; others have rules of their own, told by the method."""


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
        plain = next((one for one in PLAIN if one is value.annotation), None)
        if option in options and plain and not _fits(options[option], plain):
            raise InputError(
                f"{key}.options.{option}={options[option]!r} must be {PLAIN[plain]}, or {name} cannot be made"
            )


def _fits(value: Any, kind: type) -> bool:
    # A bool is an int to Python, and no number to anybody else.
    if isinstance(value, bool) or kind is not float:
        return type(value) is kind
    return isinstance(value, int | float) and math.isfinite(value)
