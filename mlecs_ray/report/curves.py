"""A metric as it went over virtual time: of one run, and of several seeds together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SCOPES = ("fleet", "global", "cloud", "personal", "client")
"""A run is judged by the first of these that it measured."""


@dataclass(frozen=True)
class Curve:
    """``values`` at ``seconds`` (virtual, rising); both of shape (n,)."""

    seconds: Floats
    values: Floats

    @property
    def final(self) -> float | None:
        """The last value; None where nothing was measured."""
        return float(self.values[-1]) if len(self.values) else None


@dataclass(frozen=True)
class Band:
    """A mean and what lies around it; all of shape (n,)."""

    seconds: Floats
    mean: Floats
    low: Floats
    high: Floats


def model_name(scope: str, subject: str) -> str:
    """What a measured model is called: its scope and subject, once where they are the same or there is no subject."""
    return scope if subject in ("", scope) else f"{scope} {subject}"


def curve(metrics: pd.DataFrame, metric: str) -> Curve:
    """How the run as a whole did: the mean over subjects, weighted by their samples, of the first scope measured."""
    rows = metrics[(metrics["metric"] == metric) & metrics["value"].notna()]
    measured = set(rows["scope"])
    scope = next((scope for scope in SCOPES if scope in measured), None)
    return average(rows[rows["scope"] == scope])


def average(rows: pd.DataFrame) -> Curve:
    """The mean value at each time, weighted by samples (a subject without a count weighs as one sample)."""
    rows = rows[rows["value"].notna()]
    weights = rows["samples"].clip(lower=1)
    sums = pd.DataFrame({"value": rows["value"] * weights, "weight": weights}).groupby(rows["seconds"]).sum()
    return Curve(sums.index.to_numpy(np.float64), (sums["value"] / sums["weight"]).to_numpy(np.float64))


def quantiles(rows: pd.DataFrame, low: float = 0.1, high: float = 0.9) -> Band:
    """Mean over subjects, and the quantiles that most of them lie between, at each time."""
    by = rows.groupby("seconds")["value"]
    mean = by.mean()
    edges = [by.quantile(edge).to_numpy(np.float64) for edge in (low, high)]
    return Band(mean.index.to_numpy(np.float64), mean.to_numpy(np.float64), edges[0], edges[1])


def band(curves: Sequence[Curve]) -> Band:
    """Mean, least and greatest over seeds, where all of them were measured.

    Seeds are evaluated at different times, so each is drawn out linearly between its own.
    """
    curves = [one for one in curves if len(one.seconds)]
    if not curves:
        return Band(*(np.empty(0) for _ in range(4)))
    first = max(one.seconds[0] for one in curves)
    last = min(one.seconds[-1] for one in curves)
    times = np.unique(np.concatenate([one.seconds for one in curves]))
    times = times[(times >= first) & (times <= last)]
    values = np.stack([np.interp(times, one.seconds, one.values) for one in curves])
    return Band(times, values.mean(axis=0), values.min(axis=0), values.max(axis=0))
