"""What the models of a run are called: whose they are, where a method leaves models with its devices."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from mlecs_ray.scenario.names import ON_DEVICES

_FLEET, _ALL = "fleet mean", "personal"
_TESTED = {_FLEET: "devices on their own tests"}
"""Of every method, so that a study's variants can be read beside each other."""
_DEVICES = {_ALL: "devices' own models"}
_ALONE = {**_DEVICES, "global model": "cloud's first model, unchanged"}
_NAMES: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(ON_DEVICES, _ALONE),
    "fedavgft": {**_DEVICES, "global model": "cloud's, averaged"},
    "eclm": {**_DEVICES, "global model": "cloud's, all modules (on no device)"},
}
"""Of the methods whose devices answer with models of their own: model -> what it is."""


def method_of(manifest: Mapping[str, Any]) -> str:
    """The name of the run's method; "" where the manifest tells none."""
    return str(_part(_part(manifest, "scenario"), "method").get("name", ""))


def called(manifest: Mapping[str, Any], model: str) -> str:
    """``model``, for people."""
    return {**_TESTED, **_NAMES.get(method_of(manifest), {})}.get(model, model)


def ordered(models: Sequence[str], measured: Container[str]) -> tuple[str, ...]:
    """``models`` as they come; but where devices were ``measured`` on their own tests, their mean comes first and
    stands for them."""
    if _FLEET not in measured:
        return tuple(models)
    return (_FLEET, *(model for model in models if model not in (_FLEET, _ALL)))


def _part(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = raw.get(key)
    return found if isinstance(found, dict) else {}
