"""Quality by virtual time: how long each schedule takes to what the synchronous one has in the end."""

import numpy as np

from bench.document import table
from mlecs_ray.metrics.registry import higher_is_better
from mlecs_ray.report.curves import Band, Curve, band
from mlecs_ray.report.timeto import time_to
from mlecs_ray.report.units import spread
from scenarios.reproduce import words
from scenarios.reproduce.found import Found
from scenarios.reproduce.schedules import SYNCHRONOUS


def curves(found: Found, group: str, setting: str | None = None) -> dict[str, dict[int, Curve]]:
    """The curve of each run, by schedule and seed, the reference first."""
    by = {cell.name: found.results(cell) for cell in found.group(group, setting)}
    order = sorted(by, key=lambda name: name != SYNCHRONOUS)
    return {
        name: {seed: Curve(*np.array(result.curve, np.float64).reshape(-1, 2).T) for seed, result in by[name].items()}
        for name in order
    }


def bands(found: Found, group: str, setting: str | None = None) -> dict[str, Band]:
    """Mean and ends over seeds of each schedule that was run."""
    return {name: band(list(runs.values())) for name, runs in curves(found, group, setting).items() if runs}


def times(found: Found, group: str, setting: str | None = None) -> str:
    """A row per schedule."""
    if not found.group(group):
        return f"Time: {words.NOT_RUN}."
    metric = found.metrics(group)[0]
    rows = [
        [
            line.variant,
            f"{line.reached} of {line.seeds}",
            f"{spread(line.mean, line.sd)} s"
            if line.mean is not None
            else words.NOT_RUN
            if not line.seeds
            else "never",
            f"{line.speedup:.2f} x" if line.speedup is not None else "-",
        ]
        for line in time_to(curves(found, group, setting), higher_is_better(metric))
    ]
    header = [
        "schedule",
        "reached by",
        f"virtual time to the final {words.metric(metric)} of {SYNCHRONOUS}",
        "speed-up",
    ]
    return table(header, rows)
