"""How large and how fast teacher and student are, on one thread of this machine."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from bench.document import table
from mlecs_ray.models.reid.export import Files, export
from mlecs_ray.models.reid.sight import resized
from mlecs_ray.models.reid.student import Student
from mlecs_ray.report.units import BYTES, number, size
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.deal import deal, read
from mlecs_ray.scenario.reid import cloud_of, student_of, teacher_of
from mlecs_ray.tree import Tree
from scenarios.reproduce import words
from scenarios.reproduce.found import Found
from scenarios.reproduce.plan import short
from scenarios.reproduce.reid.cells import SETTING, WHOLE
from scenarios.reproduce.store import Floors, Made, Timing

TEACHER, STUDENT, FLOAT32, INT8 = "teacher", "student", "student, ONNX float32", "student, ONNX int8"
PARAMETERS, BYTES_OF, PICTURE, SENTENCE = "parameters", "bytes", "picture", "sentence"
REPEATS = 15
_EDITION = 1


def measured(scenario: Scenario) -> Floors:
    """Parameters, bytes, and seconds for one picture and one sentence, medians, of the run's models."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _measured(scenario)
    finally:
        torch.set_num_threads(threads)


def _measured(scenario: Scenario) -> Floors:
    student, cloud = student_of(scenario), cloud_of(scenario, deal(scenario)[0].public)
    raw, pupil, teacher = read(scenario).test.take([0]), cloud.pupil(), teacher_of(cloud)
    picture, ids, said = raw.inputs["rgb"], raw.inputs["text"], raw.texts
    ids = ids[:, : int((ids != 0).sum())]
    rows = {
        TEACHER: {
            PARAMETERS: float(teacher.parameters),
            BYTES_OF: 4.0 * teacher.parameters,
            PICTURE: _seconds(lambda: teacher.embed("rgb", picture)),
            SENTENCE: _seconds(lambda: teacher.embed("text", said)),
        },
        STUDENT: {
            PARAMETERS: float(student.parameters(pupil)),
            BYTES_OF: 4.0 * student.parameters(pupil),
            PICTURE: _seconds(lambda: _own(student, pupil, "rgb", picture)),
            SENTENCE: _seconds(lambda: _own(student, pupil, "text", ids)),
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        shown = resized(picture.float(), student.side)
        files = export(student, pupil, Path(folder), {"rgb": shown.repeat(32, 1, 1, 1), "text": ids})
        for name, small in ((FLOAT32, False), (INT8, True)):
            rows[name] = {PARAMETERS: rows[STUDENT][PARAMETERS], **_run(files, shown, ids, small)}
    return rows


def _own(student: Student, params: Tree, modality: str, inputs: Tensor) -> Tensor:
    return student.embed(params, modality, student.lower(modality, inputs))


def _run(files: Files, shown: Tensor, ids: Tensor, small: bool) -> dict[str, float]:
    parts = [files.at(name, small) for name in ("pictures", "text")]
    ask = files.asking(small)
    return {
        BYTES_OF: float(sum(path.stat().st_size for path in parts)),
        PICTURE: _seconds(lambda: ask("rgb", shown)),
        SENTENCE: _seconds(lambda: ask("text", ids)),
    }


def _seconds(run: Callable[[], object]) -> float:
    """Median of ``REPEATS``, after two that warm up."""
    found = []
    with torch.inference_mode():
        for _ in range(REPEATS + 2):
            began = time.perf_counter()
            run()
            found.append(time.perf_counter() - began)
    return statistics.median(found[2:])


def key(found: Found) -> str:
    """Under which what was measured is kept: of the base's models, whatever the seed."""
    return short(["models", _EDITION, found.base.reid.model_dump(mode="json")])


def fill(found: Found, made: Made | None, compute: Callable[[Scenario], Floors] = measured) -> None:
    """Measure what is missing, of the first seed that was run; nothing where the page alone was asked for."""
    cell = found.cell("distillation", WHOLE, SETTING)
    run = sorted(found.results(cell))
    if cell is not None and made is not None and run and key(found) not in found.store.timings:
        found.store.put_timing(key(found), Timing(made, compute(found.scenarios(cell)[run[0]])))


def ratio(found: Found, what: str, name: str = STUDENT) -> float | None:
    """What of the teacher's the student has; None where nothing was measured."""
    timing = found.store.timings.get(key(found))
    return timing.rows[name][what] / timing.rows[TEACHER][what] if timing else None


def model_table(found: Found) -> list[str]:
    """A row for each model, with its share of the teacher's."""
    timing = found.store.timings.get(key(found))
    if timing is None:
        return [f"Models: {words.NOT_RUN}."]
    whole = timing.rows[TEACHER]
    written: dict[str, Callable[[float], str]] = {
        PARAMETERS: lambda value: f"{number(value / 1e6, 3)} M",
        BYTES_OF: lambda value: size(value, BYTES),
        PICTURE: _milliseconds,
        SENTENCE: _milliseconds,
    }
    rows = [
        [name, *(f"{write(row[what])} ({row[what] / whole[what]:.3f})" for what, write in written.items())]
        for name, row in timing.rows.items()
    ]
    header = ["one thread", "parameters", "bytes", "one picture", "one sentence"]
    return [table(header, rows), f"{timing.made.date}, {timing.made.machine}; {timing.made.versions}."]


def _milliseconds(seconds: float) -> str:
    return f"{number(1e3 * seconds, 3)} ms"
