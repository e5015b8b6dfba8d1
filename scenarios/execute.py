"""Runs a scenario, or every run of a study, wherever it says, and leaves a folder with a report."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from actors import launch
from actors.placement import check, place
from mlecs_ray.errors import InputError
from mlecs_ray.metrics.registry import higher_is_better
from mlecs_ray.report.write import write_report
from mlecs_ray.run import local
from mlecs_ray.run.checkpoint import has_checkpoint
from mlecs_ray.run.manifest import read_scenario
from mlecs_ray.run.outcome import Outcome, read_outcome
from mlecs_ray.run.progress import Progress
from mlecs_ray.run.records import Study, StudyRun, is_study, read_study, write_study, write_whole
from mlecs_ray.scenario.build import Built, build
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import expand, validate

Watch = Callable[[Progress], bool]
PLAN = "plan.json"
"""A study's scenario, whole: what ``mlecs resume`` goes on with."""


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


def prepare(scenario: Scenario) -> None:
    """Read what the first run needs, so that waiting for it has a name."""
    build(expand(scenario)[0][2])


def execute(scenario: Scenario, folder: Path, watch: Watch, resume: bool = False) -> tuple[list[Outcome], Path | None]:
    """All outcomes, and the report where every run has ended. Stops after a run that was stopped."""
    plan = parts(scenario, folder)
    # Everything that can be refused is refused before the first actor starts and the first byte is written.
    built = [build(part.scenario) for part in plan]
    outcomes: list[Outcome] = []
    with _runtime(built), _leaving_nothing(folder):
        if plan[0].folder != folder:
            _write_study(scenario, plan, folder)
        for part in plan:
            outcomes.append(_one(part, watch, resume))
            if not outcomes[-1].finished:
                return outcomes, None
    return outcomes, write_report(folder)


@contextmanager
def _runtime(built: Sequence[Built]) -> Iterator[None]:
    """One Ray runtime for all runs of a study, checked to be large enough for each."""
    ray = [one for one in built if one.scenario.runtime.backend == "ray"]
    with launch.runtime(*ray) if ray else nullcontext():
        for one in ray:
            check(place(one, launch.offered()["CPU"]), launch.offered())
        yield


@contextmanager
def _leaving_nothing(folder: Path) -> Iterator[None]:
    """A folder that is new and still empty when the run is refused, as by a full disk, goes again."""
    new = not folder.exists()
    try:
        yield
    except InputError:
        if new:
            with suppress(OSError):
                folder.rmdir()
        raise


def _one(part: Part, watch: Watch, resume: bool) -> Outcome:
    if resume and (done := read_outcome(part.folder)) is not None and done.finished:
        return done
    go_on = resume and has_checkpoint(part.folder)
    run = launch.run_on_ray if part.scenario.runtime.backend == "ray" else local.run_locally
    return run(part.scenario, part.folder, part.variant, go_on, watch)


def _write_study(scenario: Scenario, plan: list[Part], folder: Path) -> None:
    metric = target(scenario)
    runs = tuple(StudyRun(part.variant, part.scenario.seed, part.folder.name) for part in plan)
    write_study(Study(folder, scenario.name, runs, metric, higher_is_better(metric)))
    with write_whole(folder / PLAN) as part:
        part.write_text(scenario.model_dump_json(indent=2))


def target(scenario: Scenario) -> str:
    """The metric that decides."""
    return scenario.evaluation.target or scenario.evaluation.metrics[0]


def resumable(folder: Path) -> Scenario:
    """The scenario of a run or study that stopped; raises InputError when there is nothing left to do."""
    study = is_study(folder)
    scenario = _read_plan(folder) if study else read_scenario(folder)
    runs = [folder / run.path for run in read_study(folder).runs] if study else [folder]
    if all((done := read_outcome(run)) is not None and done.finished for run in runs):
        raise InputError(f"{folder} has ended, so there is nothing to resume; `mlecs report {folder}` shows it")
    if not study and not has_checkpoint(folder):
        raise InputError(f"{folder} has no checkpoint, so there is nothing to resume; run it again")
    return scenario


def _read_plan(folder: Path) -> Scenario:
    try:
        return validate(json.loads((folder / PLAN).read_text()))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / PLAN} is damaged ({error}); the study cannot go on, run it again") from error


@contextmanager
def claimed(out: Path | None, name: str) -> Iterator[Path]:
    """``out`` if a run may write there; without one ``runs/<name>-001``, or the next number that is free."""
    if out is not None:
        yield _writable(out)
        return
    folder = _new_folder(Path("runs"), name)
    try:
        yield folder
    finally:
        # A run that was refused has left it empty; any other stays.
        for path in (folder, folder.parent):
            with suppress(OSError):
                path.rmdir()


def _writable(out: Path) -> Path:
    place = next(p for p in (out, *out.absolute().parents) if p.exists())
    if not place.is_dir():
        raise InputError(f"{place} is a file, so no run can be written to {out}; choose another --out")
    if place == out and any(out.iterdir()):
        raise InputError(f"{out} is not empty, so nothing was started; choose another --out, or `mlecs resume` it")
    return out


def _new_folder(root: Path, name: str) -> Path:
    taken = [int(p.name.rsplit("-", 1)[1]) for p in root.glob(f"{name}-*") if p.name.rsplit("-", 1)[1].isdigit()]
    number = max(taken, default=0) + 1
    try:
        root.mkdir(exist_ok=True)
        while not _made(root / f"{name}-{number:03d}"):
            number += 1
    except OSError as error:
        raise InputError(
            f"{root.absolute()}: {error.strerror or error}, so no run can be written there; go to a folder that can be "
            "written, or choose --out"
        ) from error
    return root / f"{name}-{number:03d}"


def _made(folder: Path) -> bool:
    """Make it, unless someone else has: of two runs that start in one moment, each has its own."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def find_run(name: str) -> Path:
    """A folder by its path; ``latest``: the newest below ``runs``."""
    if name != "latest":
        return Path(name)
    found = sorted(Path("runs").glob("*/"), key=lambda p: p.stat().st_mtime)
    if not found:
        raise InputError("there is no run below ./runs yet, so there is no latest one; `mlecs run smoke` makes one")
    return found[-1]
