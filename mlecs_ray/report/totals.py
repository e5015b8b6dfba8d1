"""What a run came to: its sums, and how evenly its clients took part."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlecs_ray.run.records import Run
from mlecs_ray.scenario.environments import EnvironmentsConfig
from mlecs_ray.scenario.world import make_shifts
from mlecs_ray.sim.shifts import Shifts

_SHIFTS = ("shifts", "period", "spread")
"""Keys that say when environments shift; what else a run of another version has there is not asked."""
_SOME = 1000
"""Clients that a mean over a large fleet is taken of."""


@dataclass(frozen=True)
class Totals:
    """The sums of one run."""

    seconds: float
    """Virtual, up to the last event."""
    clients: int
    merges: int
    jobs: int
    """Started."""
    lost: int
    download_bytes: int
    upload_bytes: int
    joules: float
    """Compute and radio of all clients."""
    staleness: float | None
    """Mean over merged jobs."""
    gini: float
    """Of merged jobs per client: 0 all alike, towards 1 few do all."""
    questions: int = 0
    """Jobs that only asked their client something, and were answered."""
    shifts: float | None = None
    """That a client has met, mean over clients; None where no environment shifts."""
    planned_shifts: int = 0


def totals(run: Run) -> Totals:
    """Add up a run; an empty run has zeros."""
    events, traffic = run.events, run.traffic
    kinds = events["kind"].value_counts()
    merged = traffic.loc[traffic["outcome"] == "merged", "staleness"]
    shifts = _shifts(run)
    return Totals(
        seconds=float(events["seconds"].max()) if len(events) else 0.0,
        clients=len(clients(run)),
        merges=int(kinds.get("merged", 0)),
        jobs=int(kinds.get("started", 0)),
        lost=int(kinds.get("lost", 0)),
        download_bytes=int(traffic["download_bytes"].sum()),
        upload_bytes=int(traffic["upload_bytes"].sum()),
        joules=float(traffic["joules_compute"].sum() + traffic["joules_radio"].sum()),
        staleness=float(merged.mean()) if len(merged) else None,
        gini=gini(participation(run).tolist()),
        questions=int(kinds.get("told", 0)),
        shifts=_met(run, shifts) if shifts else None,
        planned_shifts=shifts.count if shifts else 0,
    )


def _shifts(run: Run) -> Shifts | None:
    """As the run's world had them; None where nothing shifts, or a run of another version tells it otherwise."""
    match run.manifest:
        case {"seed": int(seed), "scenario": {"data": {"partition": "environments", "environments": dict(told)}}}:
            known = {key: told[key] for key in _SHIFTS if key in told}
        case _:
            return None
    try:
        shifts = make_shifts(EnvironmentsConfig.model_validate(known, strict=True), seed)
    except ValueError:
        return None
    return shifts if shifts.count else None


def _met(run: Run, shifts: Shifts) -> float:
    """By the run's last event or evaluation."""
    ends = [float(frame["seconds"].max()) for frame in (run.events, run.metrics) if len(frame)]
    everyone = clients(run)
    some = everyone[:: max(1, len(everyone) // _SOME)]
    return float(np.mean([shifts.of(client, max(ends, default=0.0)) for client in some])) if some else 0.0


def clients(run: Run) -> list[int]:
    """All edge clients: 0 .. n - 1 where the scenario tells ``clients.count``, else those that the records name."""
    scenario = run.manifest.get("scenario")
    fleet = scenario.get("clients") if isinstance(scenario, dict) else None
    count = fleet.get("count") if isinstance(fleet, dict) else None
    if isinstance(count, int):
        return list(range(count))
    named = pd.concat([run.events["client"], run.traffic["client"]])
    return sorted(int(client) for client in named.unique() if client >= 0)


def participation(run: Run) -> pd.Series:
    """Merged jobs by client, those with none included."""
    merged = run.traffic.loc[run.traffic["outcome"] == "merged", "client"]
    return merged.value_counts().reindex(clients(run), fill_value=0)


def gini(counts: Sequence[float]) -> float:
    """Gini coefficient: sum_i (2 i - n - 1) x_i / (n sum x), x rising and i from 1; 0 where there is nothing."""
    x = np.sort(np.asarray(counts, np.float64))
    if not x.sum() > 0:
        return 0.0
    rank = np.arange(1, len(x) + 1)
    return float(((2 * rank - len(x) - 1) * x).sum() / (len(x) * x.sum()))
