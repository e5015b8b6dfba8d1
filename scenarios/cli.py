"""``mlecs``: describe a fleet, run it, look at it."""

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from mlecs_ray.errors import InputError
from scenarios import apikeys, lookup, measuring
from scenarios.consoles import complaint, console, show

app = typer.Typer(
    help="Asynchronous simulation of multimodal edge-cloud learning on Ray.\n\n"
    "Start with [bold]mlecs run smoke[/bold], then [bold]mlecs list[/bold].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(help="Your own data.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(apikeys.app, name="apikeys")

Name = Annotated[str, typer.Argument(help="A scenario of `mlecs list`, or a scenario .json file")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        help="key=value for any key of `mlecs keys`; the value is JSON (3, true, '[\"image\"]') or a word; repeatable",
    ),
]
Seed = Annotated[int | None, typer.Option(help="One seed for everything random; also ends a study's list of seeds")]
Out = Annotated[Path | None, typer.Option(help="The run folder; default runs/NAME-NNN")]
Method = Annotated[str | None, typer.Option(help="A method of `mlecs list`, or path.py:Name of your own")]
Folder = Annotated[str, typer.Argument(help="A run folder, or `latest`")]


app.command("list")(lookup.list_)
app.command()(lookup.keys)


@app.command()
def run(
    name: Name,
    set_: Set = None,
    seed: Seed = None,
    out: Out = None,
    method: Method = None,
    local: Annotated[bool, typer.Option("--local", help="Without Ray: the same results in one process")] = False,
    variant: Annotated[str | None, typer.Option(help="Only this variant of a study")] = None,
) -> None:
    """Run a scenario and write a report.

    Examples: [bold]mlecs run smoke[/bold] · [bold]mlecs run stragglers --set clients.count=500[/bold] ·
    [bold]mlecs run smoke --method examples/scaffold.py:Scaffold --set method.options={}[/bold]
    """
    from mlecs_ray.scenario.overrides import apply
    from scenarios.catalogue import find
    from scenarios.folders import claimed
    from scenarios.options import changes_of, check_heard, only, retitled
    from scenarios.paths import absolute

    scenario = find(name)
    if variant is not None:
        scenario = only(scenario, variant)
    changes = changes_of(set_, seed)
    if method is not None:
        changes = {"method": method} | changes
    if local:
        changes["runtime.backend"] = "local"
    check_heard(scenario, changes)
    scenario = retitled(absolute(apply(scenario, changes)), changes)
    with claimed(out, scenario.name) as folder:
        _execute(scenario, folder, resume=False)


@app.command()
def floors(name: Name, set_: Set = None, seed: Seed = None) -> None:
    """What simple rules reach on a scenario's data without a fleet: what a run has to beat."""
    from mlecs_ray.scenario.overrides import apply
    from scenarios.catalogue import find
    from scenarios.floors import table
    from scenarios.options import changes_of
    from scenarios.paths import absolute

    show(table(absolute(apply(find(name), changes_of(set_, seed)))))


@app.command()
def resume(folder: Folder) -> None:
    """Go on with a run that was stopped or killed, to the same end as if it had not been."""
    from scenarios.execute import resumable
    from scenarios.folders import find_run

    path = find_run(folder)
    _execute(resumable(path), path, resume=True)


@app.command()
def report(folder: Folder = "latest") -> None:
    """Write report.html of a run or study anew, and print its summary."""
    from mlecs_ray.report.write import write_report
    from scenarios.folders import find_run

    path = find_run(folder)
    written = write_report(path)
    _print_summary(path)
    console.print(f"report: {written}", soft_wrap=True)


@app.command()
def compare(
    folders: Annotated[list[str], typer.Argument(help="Two or more run or study folders")],
    out: Annotated[Path, typer.Option(help="The page to write")] = Path("compare.html"),
) -> None:
    """Say in what runs differ and what each came to, and draw them over each other."""
    from mlecs_ray.report.write import compare as draw
    from scenarios.folders import find_run

    tables, written = draw([find_run(folder) for folder in folders], out)
    for table in tables:
        show(table)
    console.print(f"report: {written}", soft_wrap=True)


@app.command()
def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(help="Assets of `mlecs list`; none: what the scenarios need")
    ] = None,
    archive: Annotated[
        Path | None, typer.Option(help="Take this file instead of downloading; its hash is checked")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Everything in the catalogue")] = False,
) -> None:
    """Download data and weights into the cache, pinned by version and hash; later everything loads offline."""
    from scenarios import fetching

    fetching.fetch(console, names or [], archive, every)


@app.command()
def serve(
    folder: Folder = "latest",
    cloud: Annotated[
        str | None, typer.Option(help="The model that answers as the cloud; none: nobody. Default: the run's own")
    ] = None,
    edge: Annotated[
        list[str] | None, typer.Option(help="Serve this edge model only, e.g. client-11; repeatable. Default: all")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Roll in new versions while the run goes on")] = False,
    host: Annotated[str, typer.Option(help="Where to listen; other than loopback needs --key-file")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    key_file: Annotated[Path | None, typer.Option(help="API keys, as `mlecs apikeys` writes them")] = None,
    policy: Annotated[str, typer.Option(help="Of model `auto`: cascade, edge or cloud")] = "cascade",
    cloud_share: Annotated[
        float, typer.Option(min=0, max=1, help="Of questions that the cascade hands on to the cloud, on held-out data")
    ] = 0.3,
    set_: Annotated[
        list[str] | None, typer.Option("--set", "-s", help="key=value of docs/serving.md's settings; repeatable")
    ] = None,
    local: Annotated[bool, typer.Option("--local", help="Without Ray, in one process")] = False,
    config: Annotated[Path | None, typer.Option(help="Write a file for a cluster here, and serve nothing")] = None,
    config_kind: Annotated[
        str, typer.Option(help="serve (for `serve deploy`), rayservice (for KubeRay) or vllm (Ray Serve LLM, GPUs)")
    ] = "serve",
    config_set: Annotated[
        list[str] | None, typer.Option(help="key=value of docs/serving/clusters.md, for the two others; repeatable")
    ] = None,
) -> None:
    """Serve a run's models over HTTP: OpenAI's API, classes, embeddings, search, and a page.

    Examples: [bold]mlecs serve latest[/bold] · [bold]mlecs serve runs/stamps-001 --edge client-11 --policy edge[/bold]
    """
    from scenarios import serving
    from scenarios.folders import find_run

    options = serving.options_of(set_, key_file)
    wanted = serving.Wanted(find_run(folder), tuple(edge or ()), cloud, policy, cloud_share, watch, options)
    if config is None:
        serving.serve(wanted, host, port, local, console)
        return
    from scenarios.configs import File, write

    write(wanted, File(config, config_kind, tuple(config_set or ()), host, port), console)


@app.command()
def export(
    folder: Folder = "latest",
    out: Annotated[Path | None, typer.Option(help="A new folder; default: RUN/edge")] = None,
) -> None:
    """Write a run's student as files that edge devices run: ONNX, in float32 and int8, and what each loses.

    Of runs that find people. Example: [bold]mlecs export latest --out student[/bold]
    """
    from scenarios import exporting
    from scenarios.folders import find_run

    run = find_run(folder)
    exporting.write(run, out or run / "edge", console)


for command in (measuring.heal, measuring.bench, measuring.reproduce):
    app.command()(command)


@app.command()
def doctor() -> None:
    """What this machine can run, and what is missing."""
    from scenarios import doctor as checkup

    if not checkup.examine(console):
        raise typer.Exit(1)


@data_app.command("check")
def data_check(path: Annotated[Path, typer.Argument(help="A Parquet folder as docs/data.md describes it")]) -> None:
    """Say what is wrong with your own data, row and column named."""
    from mlecs_ray.data import parquet

    problems = parquet.check(path)
    for problem in problems:
        complaint.print(str(problem), soft_wrap=True, highlight=False, markup=False)
    if problems:
        raise typer.Exit(2)
    data = parquet.load(path)
    console.print(
        f"{path}: {len(data.train)} train, {len(data.public)} public, {len(data.test)} test samples; all is well"
    )


def _execute(scenario: Any, folder: Path, resume: bool) -> None:
    from scenarios.plan import parts
    from scenarios.prepare import prepared

    plan = parts(scenario, folder)
    with ExitStack() as stack:
        with console.status("reading data and models; what is derived from them is built the first time, in minutes"):
            stack.enter_context(prepared(plan))
        # Only now: what is refused has not been started anywhere.
        console.print(f"[bold]{scenario.name}[/bold] {scenario.title} -> {folder}", soft_wrap=True)
        page = _carry_out(scenario, plan, folder, resume)
    if page is None:
        console.print(f"stopped; go on with: mlecs resume {folder}", soft_wrap=True)
        raise typer.Exit(130)
    _print_summary(folder)
    _print_digests(plan)
    console.print(f"report: {page}", soft_wrap=True)


def _carry_out(scenario: Any, plan: Sequence[Any], folder: Path, resume: bool) -> Path | None:
    from scenarios.execute import carry_out
    from scenarios.live import LiveView

    with LiveView(console, scenario.name) as view:
        return carry_out(scenario, plan, folder, view.watch, resume)[1]


def _print_digests(plan: Sequence[Any]) -> None:
    from actors.cost import read_cost
    from mlecs_ray.run.outcome import read_outcome

    for part in plan:
        outcome, cost = read_outcome(part.folder), read_cost(part.folder)
        if outcome is not None:
            digests = f"events {outcome.events_digest[:16]} state {outcome.state_digest[:16]}"
            shown = f"{part.folder.name}: {digests}" + (f"; {cost}" if cost else "")
            console.print(shown, highlight=False, soft_wrap=True)


def _print_summary(folder: Path) -> None:
    from mlecs_ray.report.tables import summary

    for table in summary(folder):
        show(table)


def main() -> None:
    """Entry point: what the user can mend is one line and exit code 2."""
    # Models load from the cache alone; a run never asks the internet.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    try:
        app(prog_name="mlecs")
    except InputError as error:
        line = " ".join(str(error).splitlines())
        complaint.print(f"error: {line}", soft_wrap=True, markup=False, highlight=False)
        sys.exit(2)
