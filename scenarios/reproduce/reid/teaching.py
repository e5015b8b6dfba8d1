"""What stands beside the runs of a seed: the teacher's spectrum, and what the exported student loses."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mlecs_ray.metrics.search import searched
from mlecs_ray.models.reid.export import Files, export
from mlecs_ray.models.reid.sight import resized
from mlecs_ray.models.reid.spectrum import spectrum
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.deal import deal, read
from mlecs_ray.scenario.reid import cloud_of, student_of
from scenarios.reproduce.found import Found
from scenarios.reproduce.plan import short
from scenarios.reproduce.reid.base import MAIN, named
from scenarios.reproduce.reid.cells import SETTING, WHOLE
from scenarios.reproduce.store import Floors, Made

ENERGY, NEEDED, IMPORTANCE = "energy", "needed", "importance"
WHOLE_STUDENT, FLOAT32, INT8 = "student", "ONNX, float32", "ONNX, int8"
POINTS = (1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 400, 576)
"""Of the curve of the cumulative energy."""
_EDITION = 1
_CALIBRATION = 128
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


def exported(scenario: Scenario) -> Floors:
    """The run's student in torch and as edge devices run it: metrics on the test, and bytes."""
    student, dataset = student_of(scenario), deal(scenario)[0]
    cloud = cloud_of(scenario, dataset.public)
    raw = read(scenario)
    with tempfile.TemporaryDirectory() as folder:
        shown = {m: _shown(raw.public, m, student.side)[:_CALIBRATION] for m in raw.public.inputs}
        files = export(student, cloud.pupil(), Path(folder), shown)
        vectors: dict[str, Mapping[str, Tensor | np.ndarray]] = {
            WHOLE_STUDENT: {m: student.embed(cloud.pupil(), m, x) for m, x in dataset.test.inputs.items()},
            FLOAT32: _answered(files, raw.test, student.side, small=False),
            INT8: _answered(files, raw.test, student.side, small=True),
        }
        sizes = {FLOAT32: _bytes(files, False), INT8: _bytes(files, True)}
    return {
        name: {**_measured(one, dataset.test), **({"bytes": sizes[name]} if name in sizes else {})}
        for name, one in vectors.items()
    }


def _shown(samples: Samples, modality: str, side: int) -> Tensor:
    """As edge devices are shown it: pictures of the student's size in 0..255, or token ids."""
    there = samples.inputs[modality][samples.present[modality]]
    return there if modality == "text" else resized(there.float(), side)


def _answered(files: Files, samples: Samples, side: int, small: bool) -> dict[str, np.ndarray]:
    found = {}
    for modality in samples.inputs:
        rows = samples.present[modality].numpy()
        vectors = files.answer(modality, _shown(samples, modality, side), small)
        found[modality] = np.zeros((len(rows), vectors.shape[1]), np.float32)
        found[modality][rows] = vectors
    return found


def _measured(vectors: Mapping[str, Tensor | np.ndarray], test: Samples) -> dict[str, float]:
    rows = {m: np.asarray(x) for m, x in vectors.items()}
    there = {m: test.present[m].tolist() for m in rows}
    answers = [{m: rows[m][i] for m in rows if there[m][i]} for i in range(len(test))]
    return {name: round(value, 6) for name, value in searched(METRICS, answers, test).items()}


def _bytes(files: Files, small: bool) -> float:
    return float(sum(path.stat().st_size for path in files.folder.glob("*.onnx") if (".int8." in path.name) == small))


PARTS: Mapping[str, Compute] = {"spectrum": spectra, "export": exported}


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
