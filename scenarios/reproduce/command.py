"""``mlecs reproduce``: which runs are missing, how long they will take, and the page of what there is."""

import shlex
import tempfile
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import machine
from mlecs_ray.report.units import duration
from scenarios.reproduce import page
from scenarios.reproduce.cells import only
from scenarios.reproduce.found import Found
from scenarios.reproduce.options import Options, out_of
from scenarios.reproduce.plan import Run, plan
from scenarios.reproduce.runs import Pace, Processes, Runner, carry_out, missing, seconds_left
from scenarios.reproduce.store import Made, Record, Store
from scenarios.reproduce.study import Facts, Study, study_of


def reproduce(console: Console, options: Options, runner: Runner | None = None, study: Study | None = None) -> bool:
    """Make what is missing and write the page; whether none of the asked runs failed.

    Raises InputError for what the user can mend, KeyboardInterrupt when stopped: what was done is kept.
    """
    study = study or study_of(options.study)
    table = study.quick() if options.quick else study.table(study.base)
    seeds = study.seeds[:1] if options.quick else study.seeds
    store = Store.read(options.out or _usual(options))
    found = Found(study.base, table, seeds, store)
    for other in options.take:
        taken = store.take(Store.read(other), *_asked(study, found))
        console.print(f"{taken} runs taken over from {other}", soft_wrap=True, highlight=False)
    if options.prune:
        console.print(f"dropped {store.prune(*_asked(study, found))} runs that the table does not ask for")
    chosen = [seed for seed in seeds[: options.seeds] if seed in options.seed or not options.seed]
    runs = plan(study.base, only(table, options.only), chosen)
    if not options.page:
        pace = Pace(options.jobs, study.quick_seconds if options.quick else study.usual_seconds)
        _make(console, runs, store, runner or Processes(), pace)
    _write(console, study, found, options)
    return _told(console, runs, store)


def _usual(options: Options) -> Path:
    """A quick look proves that it runs and nothing else, so it leaves the documentation alone."""
    own = out_of(options.study)
    return Path(tempfile.mkdtemp(prefix="mlecs-quick-")) / own.name if options.quick else own


def _make(console: Console, runs: Sequence[Run], store: Store, runner: Runner, pace: Pace) -> None:
    todo = missing(runs, store)
    left = duration(seconds_left(runs, store, pace))
    console.print(f"{len(runs)} runs, {len(runs) - len(todo)} done; about {left} for the others", highlight=False)
    if not todo:
        return
    runner.check([run.scenario for run in todo])
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=len(todo))

        def tell(run: Run, record: Record) -> None:
            said = f"{duration(record.seconds)}" if record.result else f"failed: {record.error}"
            console.print(f"{run.what}, seed {record.seed}: {said}", highlight=False, markup=False, soft_wrap=True)
            progress.update(bar, advance=1, description=f"about {duration(seconds_left(runs, store, pace))} left")

        carry_out(todo, store, runner, pace.jobs, _made(), tell)


def _made() -> Made:
    return Made(date.today().isoformat(), machine.describe(), machine.versions(()))


def _asked(study: Study, found: Found) -> tuple[Collection[str], Collection[str]]:
    """The names of all runs of the table, and of what stands beside them."""
    runs = {digest for cell in found.cells for digest in found.digests(cell).values()}
    return runs, study.beside.names(found)


def _write(console: Console, study: Study, found: Found, options: Options) -> None:
    with console.status("what stands beside the runs"):
        study.beside.fill(found, None if options.page else _made())
    written = page.write(study, found, Facts(_command(options), date.today().isoformat()))
    console.print(f"written: {written}", soft_wrap=True, highlight=False)


def _told(console: Console, runs: Sequence[Run], store: Store) -> bool:
    """Name what failed; whether nothing did."""
    failed = [run for run in runs if (record := store.runs.get(run.digest)) and not record.result]
    for run in failed:
        said = f"failed: {run.what}, seed {run.scenario.seed}: {store.runs[run.digest].error}"
        console.print(said, highlight=False, markup=False, soft_wrap=True)
    return not failed


def _command(options: Options) -> str:
    words = ["mlecs", "reproduce", options.study]
    words += ["--quick"] if options.quick else []
    words += [word for group in options.only for word in ("--only", group)]
    words += ["--seeds", str(options.seeds)] if options.seeds is not None else []
    words += [word for seed in options.seed for word in ("--seed", str(seed))]
    words += [word for path in options.take for word in ("--take", str(path))]
    words += ["--jobs", str(options.jobs)] if options.jobs > 1 else []
    return shlex.join(words)
