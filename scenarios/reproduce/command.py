"""``mlecs reproduce``: which runs are missing, how long they will take, and the page of what there is."""

import shlex
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import machine
from mlecs_ray.report.units import duration
from mlecs_ray.scenario.config import Scenario
from scenarios.captions import SCENARIO
from scenarios.reproduce import cells, document
from scenarios.reproduce.floors import fill, key
from scenarios.reproduce.found import AMONG, Found
from scenarios.reproduce.options import OUT, Options
from scenarios.reproduce.plan import Run, plan
from scenarios.reproduce.runs import Processes, Runner, carry_out, missing, seconds_left
from scenarios.reproduce.store import Made, Record, Store


def reproduce(console: Console, options: Options, runner: Runner | None = None, base: Scenario = SCENARIO) -> bool:
    """Make what is missing and write the page; whether none of the asked runs failed.

    Raises InputError for what the user can mend, KeyboardInterrupt when stopped: what was done is kept.
    """
    table = cells.quick() if options.quick else cells.table(base)
    seeds = cells.SEEDS[:1] if options.quick else cells.SEEDS
    store = Store.read(options.out or _usual(options.quick))
    found = Found(base, table, seeds, store)
    if options.prune:
        console.print(f"dropped {_prune(found)} runs that the table does not ask for")
    runs = plan(base, cells.only(table, options.only), seeds[: options.seeds])
    if not options.page:
        _make(console, runs, store, runner or Processes(), options.jobs)
    _write(console, found, _command(options))
    return _told(console, runs, store)


def _usual(quick: bool) -> Path:
    """A quick look proves that it runs and nothing else, so it leaves the documentation alone."""
    return Path(tempfile.mkdtemp(prefix="mlecs-quick-")) / OUT.name if quick else OUT


def _make(console: Console, runs: Sequence[Run], store: Store, runner: Runner, jobs: int) -> None:
    todo = missing(runs, store)
    left = duration(seconds_left(runs, store, jobs))
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
            progress.update(bar, advance=1, description=f"about {duration(seconds_left(runs, store, jobs))} left")

        carry_out(todo, store, runner, jobs, _made(), tell)


def _made() -> Made:
    return Made(date.today().isoformat(), machine.describe(), machine.versions(()))


def _prune(found: Found) -> int:
    runs = {digest for cell in found.cells for digest in found.digests(cell).values()}
    floors = {key(scenario) for cell in found.cells for scenario in found.scenarios(cell).values()}
    return found.store.prune(runs, floors)


def _write(console: Console, found: Found, command: str) -> None:
    with console.status("simple rules on the same folds"):
        fill(found, [cell for cell in found.cells if cell.group in AMONG])
    page = document.write(found, document.Facts(command, date.today().isoformat()))
    console.print(f"written: {page}", soft_wrap=True, highlight=False)


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
    words += ["--jobs", str(options.jobs)] if options.jobs > 1 else []
    return shlex.join(words)
