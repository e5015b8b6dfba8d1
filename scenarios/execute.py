"""Runs a scenario, or every run of a study, wherever it says, and leaves a folder with a report."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from mlecs_ray.errors import InputError
from mlecs_ray.metrics.registry import higher_is_better
from mlecs_ray.run import own
from mlecs_ray.run.checkpoint import has_checkpoint
from mlecs_ray.run.local import run_locally
from mlecs_ray.run.manifest import read_scenario
from mlecs_ray.run.outcome import Outcome, read_outcome
from mlecs_ray.run.progress import Progress
from mlecs_ray.run.records import Study, StudyRun, is_study, read_study, write_study, write_whole
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import validate
from scenarios.plan import Part, parts
from scenarios.prepare import prepared

Watch = Callable[[Progress], bool]
Done = tuple[list[Outcome], Path | None]
"""All outcomes, and the report where every run has ended."""
PLAN = "plan.json"
"""A study's scenario, whole: what ``mlecs resume`` goes on with."""


def execute(scenario: Scenario, folder: Path, watch: Watch, resume: bool = False) -> Done:
    """Prepare every run and carry it out."""
    plan = parts(scenario, folder)
    with prepared(plan):
        return carry_out(scenario, plan, folder, watch, resume)


def carry_out(scenario: Scenario, plan: Sequence[Part], folder: Path, watch: Watch, resume: bool = False) -> Done:
    """Run what was ``prepared``, one after the other. Stops after a run that was stopped."""
    outcomes: list[Outcome] = []
    with _leaving_nothing(folder):
        if plan[0].folder != folder:
            _write_study(scenario, plan, folder)
        for part in plan:
            outcomes.append(_one(part, watch, resume))
            if not outcomes[-1].finished:
                return outcomes, None
    # What draws it takes a second to import, and no run needs to wait for that at its start.
    from mlecs_ray.report.write import write_report

    return outcomes, write_report(folder)


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
    if part.scenario.runtime.backend == "local":
        return run_locally(part.scenario, part.folder, part.variant, go_on, watch)
    # Ray takes half a second to import: who runs without it need not wait.
    from actors.launch import run_on_ray

    return run_on_ray(part.scenario, part.folder, part.variant, go_on, watch)


def _write_study(scenario: Scenario, plan: Sequence[Part], folder: Path) -> None:
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
    if all(map(_ended, runs)):
        raise InputError(f"{folder} has ended, so there is nothing to resume; `mlecs report {folder}` shows it")
    if not study and not has_checkpoint(folder):
        raise InputError(f"{folder} has no checkpoint, so there is nothing to resume; run it again")
    for run in runs:
        # A study's later runs may not have begun, and one without a checkpoint begins anew.
        if _ended(run) or has_checkpoint(run):
            own.check(run)
    return scenario


def _ended(run: Path) -> bool:
    done = read_outcome(run)
    return done is not None and done.finished


def _read_plan(folder: Path) -> Scenario:
    try:
        return validate(json.loads((folder / PLAN).read_text()))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / PLAN} is damaged ({error}); the study cannot go on, run it again") from error
