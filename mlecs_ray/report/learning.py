"""How well it went: metrics over virtual time, staleness, and the spread between clients."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mlecs_ray.report.curves import SCOPES, average, model_name, quantiles
from mlecs_ray.report.panel import Panel, add_band, add_line, colour, figure, label
from mlecs_ray.report.subjects import called
from mlecs_ray.report.units import SECONDS, axis, number
from mlecs_ray.run.records import Run

_LINES = 6
"""More subjects than this are drawn as a mean in a band."""
_BINS = 60


def metric_panels(run: Run) -> list[Panel]:
    """One panel for each metric: a line per scope and subject, or mean and band where subjects are many."""
    if not len(run.metrics):
        return [Panel("Metrics", "No evaluation was recorded.")]
    return [_metric_panel(name, rows, run.manifest) for name, rows in by_metric(run.metrics)]


def by_metric(metrics: pd.DataFrame) -> Iterable[tuple[str, pd.DataFrame]]:
    """The rows of each metric, in the order in which metrics were first measured."""
    return ((str(name), rows) for name, rows in metrics.groupby("metric", sort=False))


def _metric_panel(metric: str, rows: pd.DataFrame, manifest: Mapping[str, Any]) -> Panel:
    unit = axis(SECONDS, rows["seconds"].max())
    fig = figure(f"virtual time ({unit.name})", label(metric), height=360)
    banded = False
    for scope in [scope for scope in SCOPES if scope in set(rows["scope"])]:
        part = rows[rows["scope"] == scope]
        if part["subject"].nunique() > _LINES:
            banded = True
            name = f"{called(manifest, scope)}, mean of {part['subject'].nunique()}"
            add_band(fig, name, len(fig.data), quantiles(part), unit)
        else:
            for subject, own in part.groupby("subject"):
                line = average(own)
                name = called(manifest, model_name(scope, str(subject)))
                add_line(fig, name, len(fig.data), line.seconds / unit.size, line.values)
    fig.update_layout(showlegend=True, hovermode="x unified")
    note = "Every evaluation, at the virtual time of the state that was evaluated."
    return Panel(metric, note + (" The band holds 80 % of the subjects." if banded else ""), fig, wide=True)


def staleness_panels(run: Run) -> list[Panel]:
    """How late merged updates were: all together, and over virtual time."""
    merged = run.traffic[(run.traffic["outcome"] == "merged") & (run.traffic["staleness"] >= 0)]
    if not len(merged):
        return [Panel("Staleness", "No update was merged.")]
    return [_histogram(merged["staleness"]), _over_time(merged)]


def _histogram(staleness: pd.Series) -> Panel:
    fig = figure("staleness (merges missed)", "jobs", bargap=0.08)
    width = max(1, int(np.ceil((staleness.max() + 1) / _BINS)))
    counts = (staleness // width * width).value_counts().sort_index()
    centre = counts.index.to_numpy() + (width - 1) / 2
    fig.add_bar(x=centre, y=counts.to_numpy(), marker_color=colour(0), hovertemplate="%{x}: %{y} jobs<extra></extra>")
    mean, most = float(staleness.mean()), float(staleness.quantile(0.9))
    note = f"Mean {number(mean, 3)}, 90 % at most {number(most, 3)}."
    return Panel("Staleness of merged jobs", note, fig)


def _over_time(merged: pd.DataFrame) -> Panel:
    unit = axis(SECONDS, merged["finish"].max())
    fig = figure(f"virtual time ({unit.name})", "staleness (merges missed)", hovermode="x unified")
    width = max(merged["finish"].max() / _BINS, 1e-9)
    by = merged.groupby((merged["finish"] // width).rename("bin"))
    seconds = by["finish"].mean().to_numpy() / unit.size
    add_line(fig, "mean", 0, seconds, by["staleness"].mean().to_numpy())
    add_line(fig, "90th percentile", 1, seconds, by["staleness"].quantile(0.9).to_numpy())
    return Panel("Staleness over virtual time", f"By arrival, in at most {_BINS} bins.", fig)


def spread_panels(run: Run) -> list[Panel]:
    """How the last values differ between clients, by device; nothing where clients were not measured."""
    rows = run.metrics[run.metrics["scope"].isin(["client", "personal"])]
    last = rows.sort_values("seconds", kind="stable").groupby(["metric", "scope", "subject"], sort=False).last()
    devices = {str(client): device for client, device in zip(run.traffic["client"], run.traffic["device"], strict=True)}
    last = last.reset_index().assign(device=lambda frame: [devices.get(one, "no job") for one in frame["subject"]])
    return [_box(metric, own) for metric, own in by_metric(last)]


def _box(metric: str, rows: pd.DataFrame) -> Panel:
    fig = figure("", label(metric), boxmode="group", height=340)
    for index, (scope, own) in enumerate(rows.groupby("scope")):
        names = [label(device) for device in own["device"]]
        points = {"boxpoints": "all", "jitter": 0.5, "pointpos": 0, "marker": {"size": 3.5, "opacity": 0.55}}
        fig.add_box(x=names, y=own["value"], text=own["subject"], name=str(scope), line={"width": 1.4}, **points)
        fig.data[-1].update(marker_color=colour(index), hovertemplate="client %{text}: %{y:.4g}<extra></extra>")
    fig.update_layout(showlegend=True)
    return Panel(f"{metric} of each client", "Last evaluation; one point per client, by device.", fig, wide=True)
