"""``scenario.json``: enough to repeat a run."""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from mlecs_ray.errors import InputError
from mlecs_ray.run.records import read_manifest
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import validate
from mlecs_ray.scenario.sources import digests

PACKAGES = ("torch", "ray", "transformers", "peft", "numpy")


def version_of(package: str) -> str:
    """Its version; ``not installed`` where it is not: whoever runs in one process needs no Ray."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def manifest(scenario: Scenario, variant: str) -> dict[str, Any]:
    """The whole scenario, the user's own files that it names, and what it ran on."""
    own = digests(scenario)
    return {
        "mlecs_ray": metadata.version("mlecs-ray"),
        "name": scenario.name,
        "variant": variant or None,
        "seed": scenario.seed,
        "scenario": scenario.model_dump(mode="json"),
        **({"own": own} if own else {}),
        "environment": {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "cpus": os.cpu_count(),
            **{name: version_of(name) for name in PACKAGES},
        },
    }


def read_scenario(folder: Path) -> Scenario:
    """The scenario of a run folder. Raises InputError where it is none, or of another format."""
    raw = read_manifest(folder).get("scenario")
    try:
        return validate(raw)
    except InputError as error:
        raise InputError(f"{folder / 'scenario.json'}: {error}") from None
