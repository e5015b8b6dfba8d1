"""The methods that ship, by name, and what may stand in what: known, and refused, without waiting for torch."""

import difflib
from collections.abc import Mapping, Sequence

from mlecs_ray.errors import InputError

SYSTEMS = ("mlecs", "standalone", "multifedavg", "fedilora", "fedmllm", "creamfl", "coplms")
"""Edge clients with private connectors and a cloud with an LLM; none of them wraps another."""
ADAPTATIONS = ("eclm", "noadaptation", "localadaptation", "adaptivenet", "heterofl", "fedavgft")
"""How devices adapt a cloud's classifier to their environment; none of them wraps another."""
ON_DEVICES = ("eclm", "noadaptation", "localadaptation", "adaptivenet", "fedavgft")
"""Of these, what counts is on devices."""
SEARCHES = ("mllmembedreid",)
"""How cameras learn to find people again; none of them wraps another."""
METHODS = ("fedavg", "fedprox", "fedopt", "fedasync", "fedbuff", "fedat", "mma", *SYSTEMS, *ADAPTATIONS, *SEARCHES)
"""FedAvg, the methods around it, the systems, the adaptations and the searches."""
WRAPS: Mapping[str, tuple[str, ...]] = {
    "fedopt": ("fedprox", "fedbuff", "mma"),
    "fedasync": ("fedprox",),
    "fedbuff": ("fedprox", "fedopt"),
    "fedat": ("fedprox",),
    "mma": ("fedprox", "fedopt"),
}
"""What may stand between a method and FedAvg: `docs/methods.md` says why."""


def check_methods(outer: str, inner: str) -> None:
    """Raise InputError for a name that is none, or where ``outer`` cannot wrap ``inner``."""
    _check_pair(outer, inner)
    _check_known("method.base", inner)
    _check_known("method", outer)


def _check_pair(outer: str, inner: str) -> None:
    """What wraps nothing, as FedAvg, the core, wraps none of a user's own either; else that one, or one that is not
    known yet, is not judged here."""
    known = outer in METHODS and (inner in METHODS or (":" in inner and outer in (*SYSTEMS, *ADAPTATIONS, *SEARCHES)))
    if inner not in ("fedavg", *WRAPS.get(outer, ())) and (known or outer == "fedavg"):
        able = [name for name in METHODS if inner in WRAPS.get(name, ())]
        instead = f"{inner} goes inside {', '.join(able)}" if able else f"make method.name={inner}"
        raise InputError(f"method.name={outer} cannot wrap method.base.name={inner}, so nothing was started: {instead}")


def _check_known(key: str, name: str) -> None:
    if name not in METHODS and ":" not in name:
        raise InputError(f"{key}.name={name!r} is no method, so nothing was started{_meant(name)}")


def known_method(name: str) -> str:
    """``name``, where a method that ships has it; raises InputError where none does."""
    if name not in METHODS:
        raise InputError(f"{name!r} is no method that ships, so there is nothing to tell of it{nearest(name, METHODS)}")
    return name


def nearest(name: str, known: Sequence[str]) -> str:
    """The end of a refusal: which of those known ``name`` may be meant for."""
    close = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"


def _meant(name: str) -> str:
    if name.endswith(".py"):
        return f"; say which class in it is meant: {name}:Name"
    found = nearest(name, METHODS)
    return found if found.endswith("?") else f"{found}, or path.py:Name"
