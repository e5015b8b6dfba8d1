"""What the options of the command line ask of a scenario."""

from typing import Any

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply, dotted, parse

_TOLD = 4
"""Changed keys that a title names."""


def changes_of(set_: list[str] | None, seed: int | None) -> dict[str, Any]:
    """What the options ask for, in their order."""
    changes: dict[str, Any] = {}
    for key, value in map(parse, set_ or []):
        undone = next((earlier for earlier in changes if earlier.startswith(f"{key}.")), None)
        # Another kind keeps what else is set, but another method has other options.
        if undone and (isinstance(value, dict) or key.startswith("method")):
            raise InputError(f"--set {key} comes after --set {undone} and would undo it; name {key} first")
        changes[key] = value
    if seed is not None:
        return changes | {"seed": seed, "seeds": []}
    # A study's seeds would have the last word, and this one would change nothing.
    return {"seeds": []} | changes if "seed" in changes else changes


def retitled(scenario: Scenario, changes: dict[str, Any]) -> Scenario:
    """The scenario as it was called, and what was changed of it, or its title would tell what it is no more."""
    told = [key for key in changes if key not in ("title", "seed", "seeds") and not key.startswith("runtime")]
    if not told or "title" in changes:
        return scenario
    more = f" and {len(told) - _TOLD} other keys" if len(told) > _TOLD else ""
    return scenario.model_copy(update={"title": f"{scenario.title}; changed: {', '.join(told[:_TOLD])}{more}"})


def only(scenario: Scenario, variant: str) -> Scenario:
    """The scenario with this variant's settings, and without any other."""
    if variant not in scenario.variants:
        names = f"which has {', '.join(scenario.variants)}" if scenario.variants else "which has none"
        raise InputError(f"--variant {variant!r} is no variant of {scenario.name}, {names}, so nothing was started")
    return apply(scenario.model_copy(update={"variants": {}}), scenario.variants[variant])


def check_heard(scenario: Scenario, changes: dict[str, Any]) -> None:
    """Refuse what every variant of a study sets for itself: the run would not do what was asked."""
    if not scenario.variants or "variants" in changes:
        return
    own = [dotted(scenario, its) for its in scenario.variants.values()]
    for key in dotted(scenario, changes):
        if all(any(key == its or key.startswith(f"{its}.") for its in keys) for keys in own):
            raise InputError(
                f"{key} is set by each variant of {scenario.name}, so yours would change nothing; choose one by "
                "--variant, or add --set variants={} to have none"
            )
