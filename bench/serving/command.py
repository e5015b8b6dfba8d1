"""``mlecs bench serve``: every case of serving on one run's models, and the page of results."""

import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from bench.serving import direct, held, online
from bench.serving.bed import Bed, lay, served, variant
from bench.serving.figures import Found
from bench.serving.meeting import meeting
from bench.serving.page import page
from bench.serving.requests import contents
from bench.serving.web import Web

OUT = Path("docs/results/serving.md")


def bench_serving(console: Console, run: Path, repeats: int, quick: bool, out: Path | None) -> None:
    """Measure and write. ``quick`` is a short look that writes no page unless told where."""
    with tempfile.TemporaryDirectory(prefix="mlecs-bench-") as folder:
        bed = lay(run, Path(folder), console)
        found = [*_direct(bed, repeats, console), *_online(bed, Path(folder), repeats, quick, console)]
    target = out or (None if quick else OUT)
    if target is not None:
        command = f"mlecs bench serve --run RUN --repeats {repeats}" + (" --quick" if quick else "")
        target.write_text(page(command, f"mlecs run {bed.bundle.scenario.name}", bed.bundle.version, found))
        console.print(f"written: {target}", soft_wrap=True)


def _direct(bed: Bed, repeats: int, console: Console) -> list[Found]:
    found = [held.memory(bed), direct.switching(bed, repeats), *direct.throughput(bed, repeats), meeting(bed)]
    _tell(console, found)
    return found


def _online(bed: Bed, folder: Path, repeats: int, quick: bool, console: Console) -> list[Found]:
    versions = [bed.bundle.version, *(variant(bed, seed, 0.5) for seed in (1, 2))]
    every = contents(bed.bundle, bed.test)
    settings = bed.settings(folder, canary_share=0.5, canary_answers=10**6)
    found: list[Found] = []
    with served(settings) as (running, port):
        web = Web(port)
        measured: Iterator[list[Found]] = (
            case()
            for case in (
                partial(online.against_direct, bed, web, repeats),
                partial(online.cascade, bed, web, every[: 8 if quick else None]),
                partial(online.rolls, bed, web, running, versions, every[0]),
                partial(online.overload, web, 6.0 if quick else 60.0, settings.slots),
            )
        )
        for some in measured:
            _tell(console, some)
            found += some
    return found


def _tell(console: Console, found: Sequence[Found]) -> None:
    for one in found:
        console.rule(one.title)
        for figure in one.figures:
            console.print(f"{figure.name}: {figure.shown()}", highlight=False)
        for goal in one.goals:
            console.print(f"{'yes' if goal.reached else 'NO '}: {goal.says}: {goal.found}", highlight=False)
