"""``mlecs export``: a run's student as files that edge devices run, and what they lose by it."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from torch import Tensor

from mlecs_ray.data.backbones import minilm_folder
from mlecs_ray.data.reid.trials import Trial
from mlecs_ray.errors import InputError
from mlecs_ray.metrics.search import searched
from mlecs_ray.models.reid.export import Files, export
from mlecs_ray.models.reid.kinds import TEXT
from mlecs_ray.models.reid.sight import resized
from mlecs_ray.models.reid.student import Student
from mlecs_ray.report.units import BYTES, size
from mlecs_ray.run.bundle import Bundle, read_bundle
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.build import judged
from mlecs_ray.scenario.deal import deal, read
from mlecs_ray.scenario.judging import searches_of
from mlecs_ray.tree import Tree

WHOLE, FLOAT32, INT8 = "student", "ONNX, float32", "ONNX, int8"
FACTS = "student.json"
_CALIBRATION = 128
_HOW = {
    "pictures": "pixels (n, 3, side, side) in 0..255, grey ones three times, to a unit vector for each modality",
    TEXT: "ids (n, t) int64 of tokenizer.json, 0 where a sentence has ended, to a unit vector",
}


def write(run: Path, out: Path, console: Console) -> None:
    """Into ``out``, a folder that is not there yet: ONNX in float32 and int8, a tokenizer, and ``student.json``.

    Raises InputError for a run whose models are no students, and for a folder that is there.
    """
    bundle = read_bundle(run / "artifact")
    if bundle.searcher is None:
        raise InputError(
            f"{run} has task.kind={bundle.scenario.task.kind}, and only students of task.kind=reid become ONNX files: "
            f"what others learned lies in {run / 'artifact'}, adapters in PEFT's format"
        )
    if out.exists():
        raise InputError(f"{out} is there already, and files of two students would be mixed: name a new folder")
    card = next(card for card in bundle.cards.values() if card.side == "edge")
    student, params = bundle.searcher.student, bundle.params(card)
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        told = _write(bundle, student, params, part)
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    console.print(_table(told))
    console.print(f"[bold]{out}[/bold] has the files, and {FACTS} what they read and say")


def _write(bundle: Bundle, student: Student, params: Tree, out: Path) -> dict[str, dict[str, float]]:
    """All of it; what ``losses`` gave."""
    raw, dataset = read(bundle.scenario), deal(bundle.scenario)[0]
    metrics = [name for name in bundle.scenario.evaluation.metrics if not name.endswith("cloud")]
    files = exported(student, params, raw.public, out)
    test = judged(bundle.scenario, raw), judged(bundle.scenario, dataset)
    trials = searches_of(dataset.name, test[1])(len(test[1]))
    told = losses(student, params, files, test, metrics, trials)
    if TEXT in params["heads"]:
        shutil.copyfile(minilm_folder() / "tokenizer.json", out / "tokenizer.json")
    (out / FACTS).write_text(json.dumps(_facts(bundle, student, params, out, told), indent=2) + "\n")
    return told


def exported(student: Student, params: Tree, public: Samples, folder: Path) -> Files:
    """The files; some public sightings of each modality set the ranges of int8."""
    seen = [m for m in public.inputs if m in params["heads"]]
    return export(student, params, folder, {m: _shown(public, m, student.side)[:_CALIBRATION] for m in seen})


def losses(
    student: Student,
    params: Tree,
    files: Files,
    test: tuple[Samples, Samples],
    metrics: Sequence[str],
    trials: Sequence[Trial] = (),
) -> dict[str, dict[str, float]]:
    """Metrics on a test, raw and as ``student`` reads it, in torch and by both kinds of files, and their bytes.
    ``trials``: how pairs are searched, as ``searched`` has it."""
    raw, lowered = test
    seen = [m for m in raw.inputs if m in params["heads"]]
    vectors: dict[str, Mapping[str, Tensor | NDArray[np.float32]]] = {
        WHOLE: {m: student.embed(params, m, lowered.inputs[m]).detach() for m in seen},
        **{name: {m: _answered(files, raw, m, student.side, name == INT8) for m in seen} for name in (FLOAT32, INT8)},
    }
    found = {name: _measured(one, lowered, metrics, trials) for name, one in vectors.items()}
    for name in (FLOAT32, INT8):
        found[name]["bytes"] = _bytes(files, name == INT8)
    return found


def _shown(samples: Samples, modality: str, side: int) -> Tensor:
    """As edge devices are shown it: pictures of the student's size in 0..255, or token ids."""
    there = samples.inputs[modality][samples.present[modality]]
    return there if modality == TEXT else resized(there.float(), side)


def _answered(files: Files, samples: Samples, modality: str, side: int, small: bool) -> NDArray[np.float32]:
    rows = samples.present[modality].numpy()
    vectors = files.answer(modality, _shown(samples, modality, side), small)
    found = np.zeros((len(rows), vectors.shape[1]), np.float32)
    found[rows] = vectors
    return found


def _measured(
    vectors: Mapping[str, Tensor | NDArray[np.float32]],
    test: Samples,
    metrics: Sequence[str],
    trials: Sequence[Trial],
) -> dict[str, float]:
    rows = {m: np.asarray(x) for m, x in vectors.items()}
    there = {m: test.present[m].tolist() for m in rows}
    answers = [{m: rows[m][i] for m in rows if there[m][i]} for i in range(len(test))]
    return {name: round(value, 6) for name, value in searched(metrics, answers, test, trials=trials).items()}


def _bytes(files: Files, small: bool) -> float:
    return float(sum(path.stat().st_size for path in files.folder.glob("*.onnx") if (".int8." in path.name) == small))


def _facts(
    bundle: Bundle, student: Student, params: Tree, out: Path, told: Mapping[str, Mapping[str, float]]
) -> dict[str, object]:
    return {
        "run": bundle.scenario.name,
        "version": bundle.version,
        "modalities": sorted(params["heads"]),
        "side": student.side,
        "width": student.width,
        "reads": {part: how for part, how in _HOW.items() if (out / f"{part}.onnx").exists()},
        "test": told,
        "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.iterdir())},
    }


def _table(told: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table("on the run's test")
    for name in told:
        table.add_column(name, justify="right")
    for metric in told[WHOLE]:
        table.add_row(metric, *(f"{one[metric]:.4f}" for one in told.values()))
    table.add_row("size", *(size(one["bytes"], BYTES) if "bytes" in one else "" for one in told.values()))
    return table
