"""Reports: of a run, of a study, and of runs drawn over each other, each one offline HTML file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlecs_ray.errors import InputError
from mlecs_ray.report.cascade import cascade_panels
from mlecs_ray.report.cost import cost_panels
from mlecs_ray.report.curves import Curve, band, curve
from mlecs_ray.report.differences import differences
from mlecs_ray.report.fleet import duration_panel, lost_panel, participation_panel, timeline_panel
from mlecs_ray.report.learning import metric_panels, spread_panels, staleness_panels
from mlecs_ray.report.page import Page, render
from mlecs_ray.report.panel import Panel, add_band, add_line, figure, label
from mlecs_ray.report.tables import (
    Runs,
    Table,
    compare_table,
    curves_of,
    facts,
    finals,
    read_runs,
    sent_tables,
    study_tables,
    time_table,
)
from mlecs_ray.report.totals import totals
from mlecs_ray.report.units import SECONDS, axis, number
from mlecs_ray.run.records import Run, Study, is_study, read_run, read_study, write_whole


def write_report(folder: Path) -> Path:
    """Write ``report.html`` into a run's or a study's folder. Raises InputError like ``read_run``."""
    page = study_page(read_study(folder)) if is_study(folder) else run_page(read_run(folder))
    return _save(page, folder / "report.html")


def compare(folders: Sequence[Path], out: Path) -> tuple[list[Table], Path]:
    """Draw runs over each other into the file ``out``; its tables, and where it is. A study stands for all its runs.

    Raises InputError like ``read_run``, and when there are fewer than two runs.
    """
    runs = [run for folder in folders for run in _runs_in(folder)]
    if len(runs) < 2:
        raise InputError(f"{len(runs)} run given; a comparison needs at least 2, or there is nothing to compare")
    named = dict(zip(labels(runs), runs, strict=True))
    panels = [_overlay(name, {key: curve(run.metrics, name) for key, run in named.items()}) for name in _metrics(runs)]
    tables = [*differences(named), compare_table(named)]
    sections = {"Metrics": panels or [Panel("Metrics", "No evaluation was recorded.")]}
    return tables, _save(Page("Comparison", f"{len(runs)} runs", tables=tables, sections=sections), out)


def run_page(run: Run) -> Page:
    """The report of one run."""
    measured = [(f"final {name}", number(value)) for name, value in finals(run).items()]
    sections = {
        "Learning": metric_panels(run),
        "Edge or cloud": cascade_panels(run),
        "Asynchrony": [*staleness_panels(run), participation_panel(run), lost_panel(run)],
        "Clients": [timeline_panel(run), *spread_panels(run)],
        "Cost": [*cost_panels(run), duration_panel(run)],
    }
    tiles = [*measured[:6], *facts(totals(run))]
    return Page(_name(run), _subtitle(run), tiles, sent_tables(run), sections, _details(run.manifest))


def study_page(study: Study) -> Page:
    """The report of a study. Raises InputError when none of its runs exists."""
    runs = read_runs(study)
    if not runs:
        raise InputError(f"{study.path}: none of its {len(study.runs)} runs has records yet, so there is no report")
    others = [name for name in _metrics([run for _, run in runs]) if name != study.metric]
    panels = [_bands(name, runs) for name in [study.metric, *others]]
    done = f"{len(runs)} of {len(study.runs)} runs" if len(runs) < len(study.runs) else f"{len(runs)} runs"
    subtitle = f"Study of {len(study.variants)} variants, {done}; the reference is {runs[0][0].variant}"
    tables = [time_table(study, runs), *study_tables(study, runs)]
    return Page(study.name, subtitle, (), tables, {"Metrics": panels}, _details(runs[0][1].manifest))


def labels(runs: Sequence[Run]) -> list[str]:
    """A short name for each run, made different by its folder and, if need be, its place."""
    names = [f"{run.manifest.get('variant') or _name(run)}, seed {run.manifest.get('seed', '?')}" for run in runs]
    for suffix in ([run.path.name for run in runs], [str(place + 1) for place in range(len(runs))]):
        twice = {name for name in names if names.count(name) > 1}
        names = [f"{name} ({more})" if name in twice else name for name, more in zip(names, suffix, strict=True)]
    return names


def _runs_in(folder: Path) -> list[Run]:
    return [run for _, run in read_runs(read_study(folder))] if is_study(folder) else [read_run(folder)]


def _metrics(runs: Sequence[Run]) -> list[str]:
    return list(dict.fromkeys(str(name) for run in runs for name in run.metrics["metric"].unique()))


def _overlay(metric: str, curves: Mapping[str, Curve]) -> Panel:
    drawn = {name: one for name, one in curves.items() if len(one.seconds)}
    unit = axis(SECONDS, max((one.seconds[-1] for one in drawn.values()), default=1.0))
    fig = figure(f"virtual time ({unit.name})", label(metric), height=400, hovermode="x unified", showlegend=True)
    for place, (name, one) in enumerate(drawn.items()):
        add_line(fig, name, place, one.seconds / unit.size, one.values)
    return Panel(metric, "One line per run.", fig, wide=True)


def _bands(metric: str, runs: Runs) -> Panel:
    drawn = {variant: band(list(seeds.values())) for variant, seeds in curves_of(runs, metric).items()}
    drawn = {variant: one for variant, one in drawn.items() if len(one.seconds)}
    if not drawn:
        return Panel(metric, f"No evaluation of {metric} was recorded.")
    unit = axis(SECONDS, max(one.seconds[-1] for one in drawn.values()))
    fig = figure(f"virtual time ({unit.name})", label(metric), height=400, hovermode="x unified", showlegend=True)
    for place, (variant, one) in enumerate(drawn.items()):
        add_band(fig, variant, place, one, unit)
    return Panel(metric, "Mean, least and greatest over seeds, for as long as all seeds ran.", fig, wide=True)


def _name(run: Run) -> str:
    return str(run.manifest.get("name", run.path.name))


def _subtitle(run: Run) -> str:
    parts = [("variant", run.manifest.get("variant")), ("seed", run.manifest.get("seed"))]
    known = [f"{key} {value}" for key, value in parts if value is not None]
    version = run.manifest.get("mlecs_ray")
    machine = run.manifest.get("environment") or {}
    known += [f"mlecs-ray {version}"] if version else []
    return " · ".join(known + [f"{key} {value}" for key, value in machine.items() if isinstance(value, str | int)])


def _details(manifest: Mapping[str, Any]) -> dict[str, str]:
    keys = {"scenario": "Scenario, whole", "environment": "Machine and versions"}
    return {title: json.dumps(manifest[key], indent=2) for key, title in keys.items() if manifest.get(key)}


def _save(page: Page, path: Path) -> Path:
    with write_whole(path) as part:
        part.write_text(render(page), encoding="utf-8")
    return path
