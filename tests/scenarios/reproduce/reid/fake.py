"""Results of the study of MLLMEmbed-ReID that no run has made."""

from collections.abc import Callable
from pathlib import Path

from scenarios.exporting import FLOAT32 as AS_ONNX
from scenarios.exporting import INT8 as AS_INT8
from scenarios.exporting import WHOLE as WHOLE_STUDENT
from scenarios.reproduce.cells import Cell
from scenarios.reproduce.found import Found
from scenarios.reproduce.measures import Result, Traffic
from scenarios.reproduce.reid.base import METRICS, SCENARIO
from scenarios.reproduce.reid.cells import table
from scenarios.reproduce.reid.models import (
    BYTES_OF,
    FLOAT32,
    INT8,
    PARAMETERS,
    PICTURE,
    SENTENCE,
    STUDENT,
    TEACHER,
    key,
)
from scenarios.reproduce.reid.teaching import METRICS as EXPORTED
from scenarios.reproduce.reid.teaching import POINTS, keys
from scenarios.reproduce.store import Store, Timing
from tests.scenarios.reproduce.fake import MADE, filled

BASE = SCENARIO
TRAFFIC = Traffic(140, {"student": 20e6, "basis": 1e5}, {"student": 20e6}, 80e6, 80e6)
TEACHERS = 0.4
STRENGTH = {"PCM + FR + CM": 0.39, "CM": 0.36, "PCM + FR": 0.38, "alone": 0.3}
Measure = Callable[[Cell, int], Result | None]


def result(student: float, edge_cloud: float | None = None, teacher: float | None = None) -> Result:
    """The same of every metric, by whose vectors."""
    sides = {"": student, "_edgecloud": edge_cloud, "_cloud": teacher}

    def told(name: str) -> float | None:
        end = next(side for side in ("_edgecloud", "_cloud", "") if name.endswith(side))
        return sides[end]

    final = {"global": {"model": {name: value for name in METRICS if (value := told(name)) is not None}}}
    first = {"global": {"model": {"map": student - 0.1}}}
    return Result(first, final, [(0.0, student)], TRAFFIC, 1e-6, 0, 0.0, 30.0)


def some(cell: Cell, seed: int) -> Result | None:
    """Four rules of distillation, and a fleet; later seeds are better."""
    if cell.group == "fleet":
        return result(0.35 + 0.01 * seed, 0.3, TEACHERS)
    if cell.group != "distillation" or cell.name not in STRENGTH:
        return None
    student = STRENGTH[cell.name] + 0.01 * seed + 0.001 * seed**2 * (cell.name == "CM")
    return result(student) if cell.name == "alone" else result(student, student - 0.005, TEACHERS)


def found(path: Path, measure: Measure = some, seeds: tuple[int, ...] = (0, 1, 2)) -> Found:
    """The whole table, with what ``measure`` says of it."""
    return filled(Found(BASE, table(BASE), seeds, Store(path / "reid.json")), measure)


def beside(made: Found) -> Found:
    """With all that stands beside the runs."""
    for seed, digest in keys(made, "spectrum").items():
        curve = {str(k): min(1.0, 0.02 * k) for k in POINTS}
        needed = {"50": 25.0, "90": 45.0, "95": 48.0 + seed, "99": 50.0, "dimensions": 40.0, "samples": 4000.0}
        made.store.floors[digest] = {"energy": curve, "needed": needed, "importance": curve}
    for digest in keys(made, "export").values():
        rows = {WHOLE_STUDENT: 0.39, AS_ONNX: 0.39, AS_INT8: 0.37}
        made.store.floors[digest] = {
            name: {**dict.fromkeys(EXPORTED, value), **({} if name == WHOLE_STUDENT else {"bytes": 1e8 * value})}
            for name, value in rows.items()
        }
    times = {TEACHER: 1.0, STUDENT: 0.17, FLOAT32: 0.1, INT8: 0.05}
    rows = {
        name: {PARAMETERS: 137e6 * share, BYTES_OF: 550e6 * share, PICTURE: 0.3 * share, SENTENCE: 0.25 * share}
        for name, share in times.items()
    }
    made.store.timings[key(made)] = Timing(MADE, rows)
    return made
