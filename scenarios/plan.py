"""The runs that a scenario stands for, and the folder of each."""

from dataclasses import dataclass
from pathlib import Path

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import expand


@dataclass(frozen=True)
class Part:
    """One run of what was asked for."""

    variant: str
    scenario: Scenario
    folder: Path


def parts(scenario: Scenario, folder: Path) -> list[Part]:
    """The runs of a scenario: one in ``folder`` itself, or a study's in sub-folders."""
    runs = expand(scenario)
    if len(runs) == 1 and not scenario.variants:
        return [Part("", runs[0][2], folder)]
    named = [
        Part(variant, single, folder / f"{_slug(variant) or scenario.name}-s{seed}") for variant, seed, single in runs
    ]
    taken: dict[Path, str] = {}
    for part in named:
        if taken.setdefault(part.folder, part.variant) != part.variant:
            raise InputError(
                f"variants {taken[part.folder]!r} and {part.variant!r} would both write {part.folder.name}, so one "
                "would be lost: call one of them something else"
            )
    return named


def _slug(name: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in name).split())
