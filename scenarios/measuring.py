"""The commands that measure: language models, this machine, and what papers claim."""

from pathlib import Path
from typing import Annotated

import typer

from scenarios.consoles import console, show
from scenarios.reproduce.options import STUDIES


def heal(
    names: Annotated[list[str] | None, typer.Argument(help="edge-small, edge-base; none: all that ship")] = None,
) -> None:
    """Prune and heal the edge language models (minutes, the first time), and measure them on captions."""
    from scenarios import healing

    with console.status("pruning, healing and measuring; the first time this takes minutes"):
        found = healing.table(names or [])
    show(found)


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="engine, lora, population, startup, gpu; none: all of these. `peers` only makes their environments; "
            "`serve` measures the serving of a run"
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(help="Turns; figures are their medians")] = 3,
    quick: Annotated[
        bool, typer.Option("--quick", help="One turn of few rounds: proves that it runs, and writes no page")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="The page to write; default docs/results/speed.md, of `serve` serving.md")
    ] = None,
    run: Annotated[str, typer.Option(help="Of `serve`: the run whose models are served, or `latest`")] = "latest",
) -> None:
    """Ours, a plain PyTorch loop and the peers in turns on this machine; or how a run is served."""
    if names == ["serve"]:
        from bench.serving.command import bench_serving
        from scenarios.folders import find_run

        bench_serving(console, find_run(run), repeats, quick, out)
        return
    from bench.command import bench as measure

    measure(console, names or [], repeats, quick, out)


def reproduce(
    study: Annotated[
        str, typer.Argument(help="mlecs: ML-ECS, eclm: ECLM; each with its ablations and what it is compared with")
    ],
    quick: Annotated[
        bool, typer.Option("--quick", help="A few tiny runs: proves that it works, and leaves docs/ alone")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Make the runs of this group alone; "
            + "; ".join(f"of {name} {', '.join(extent.groups)}" for name, extent in STUDIES.items())
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            help="Make the runs of the first so many seeds alone; default all: "
            + ", ".join(f"{extent.seeds} of {name}" for name, extent in STUDIES.items())
        ),
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Make the runs of this seed alone, counted from 0")] = None,
    jobs: Annotated[int, typer.Option(help="Runs side by side, each one core and 1 to 2 GB")] = 1,
    take: Annotated[
        list[Path] | None, typer.Option(help="Take over what this file of results has and ours lacks, made elsewhere")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The file of results, the page beside it; default docs/results/STUDY.json")
    ] = None,
    page: Annotated[bool, typer.Option("--page", help="Make no runs: write the page of what is there")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Drop results that the table no longer asks for")] = False,
) -> None:
    """Make the runs of a study that are missing, and write its tables and plots.

    Every result is kept as soon as it is there: after Ctrl-C the same command goes on.
    """
    from scenarios.reproduce.options import Options

    options = Options(
        study, quick, tuple(only or ()), seeds, tuple(seed or ()), jobs, tuple(take or ()), out, page, prune
    )
    # Whoever misspells a name need not wait for what runs them.
    from scenarios.reproduce.command import reproduce as make

    try:
        whole = make(console, options)
    except KeyboardInterrupt:
        console.print("stopped; what had ended is kept, and the same command goes on")
        raise typer.Exit(130) from None
    if not whole:
        raise typer.Exit(1)
