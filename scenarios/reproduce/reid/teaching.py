"""What stands beside the runs of a seed: the teacher's spectrum, and what the exported student loses."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from mlecs_ray.models.reid.spectrum import spectrum
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.deal import deal, read
from mlecs_ray.scenario.reid import cloud_of, student_of
from scenarios.exporting import exported, losses
from scenarios.reproduce.found import Found
from scenarios.reproduce.plan import short
from scenarios.reproduce.reid.base import MAIN, named
from scenarios.reproduce.reid.cells import SETTING, WHOLE
from scenarios.reproduce.store import Floors, Made

ENERGY, NEEDED, IMPORTANCE = "energy", "needed", "importance"
POINTS = (1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 400, 576)
"""Of the curve of the cumulative energy."""
_EDITION = 1
METRICS = tuple(named(measure, pair) for measure in ("map", "rank1") for pair in (None, *MAIN))
"""Of what is exported."""
Compute = Callable[[Scenario], Floors]


def spectra(scenario: Scenario) -> Floors:
    """Of what the run's teacher makes of the public samples, all modalities together."""
    cloud = cloud_of(scenario, deal(scenario)[0].public)
    found = spectrum(torch.cat(list(cloud.matched.values())))
    energy = {str(k): round(float(found.energy[k - 1]), 6) for k in POINTS if k <= len(found.energy)}
    needed = {str(percent): float(k) for percent, k in found.needed.items()}
    needed |= {"dimensions": round(found.dimensions, 2), "samples": float(found.samples)}
    importance = {str(k): round(float(found.importance[:k].sum()), 6) for k in POINTS if k <= len(found.importance)}
    return {ENERGY: energy, NEEDED: needed, IMPORTANCE: importance}


def exports(scenario: Scenario) -> Floors:
    """The run's student in torch and as edge devices run it: metrics on the test, and bytes."""
    student, dataset, raw = student_of(scenario), deal(scenario)[0], read(scenario)
    params = cloud_of(scenario, dataset.public).pupil()
    with tempfile.TemporaryDirectory() as folder:
        files = exported(student, params, raw.public, Path(folder))
        return dict(losses(student, params, files, (raw.test, dataset.test), METRICS))


PARTS: Mapping[str, Compute] = {"spectrum": spectra, "export": exports}


def keys(found: Found, part: str) -> dict[int, str]:
    """Under which what stands beside the whole student of each seed is kept."""
    cell = found.cell("distillation", WHOLE, SETTING)
    assert cell is not None
    return {seed: short([part, _EDITION, digest]) for seed, digest in found.digests(cell).items()}


def names(found: Found) -> set[str]:
    """All of them."""
    return {key for part in PARTS for key in keys(found, part).values()}


def fill(found: Found, made: Made | None, parts: Mapping[str, Compute] = PARTS) -> None:
    """Compute what is missing of the seeds whose whole student was run; nothing where the page alone was asked for."""
    cell = found.cell("distillation", WHOLE, SETTING)
    assert cell is not None
    for part, compute in parts.items():
        for seed, key in keys(found, part).items():
            if made is not None and seed in found.results(cell) and key not in found.store.floors:
                found.store.put_floors(key, compute(found.scenarios(cell)[seed]))


def beside(found: Found, part: str) -> dict[int, Floors]:
    """What there is, by seed."""
    floors = found.store.floors
    return {seed: floors[key] for seed, key in keys(found, part).items() if key in floors}
