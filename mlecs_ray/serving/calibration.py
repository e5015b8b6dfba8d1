"""How sure an edge model is, in units that mean something: what its answers were worth on data held out for that."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlecs_ray.errors import InputError

_LEAST = 10
"""Fewest held-out answers that a curve is fitted to."""
_SUFFIX = ".calibration.json"


@dataclass(frozen=True)
class Point:
    """Of a risk / coverage curve: where the edge answers this share itself, what its answers there are worth."""

    threshold: float
    coverage: float
    quality: float
    """Mean over what the edge answers itself."""
    cascade: float | None = None
    """Mean over all, where the cloud answers the rest."""


@dataclass(frozen=True)
class Calibration:
    """Of one model: ``scores``, sorted, and the ``worth`` that answers of such a score have on average.

    A score is the mean log-probability of an answer's tokens, its end among them. ``threshold`` is the score from
    which the edge answers itself, so that ``share`` of the held-out questions went to the cloud.
    """

    scores: tuple[float, ...]
    worth: tuple[float, ...]
    threshold: float
    share: float
    metric: str
    samples: int
    curve: tuple[Point, ...] = ()
    cloud: str | None = None
    """The name of the model that answers as the cloud in the curve."""

    def confidence(self, score: float) -> float:
        """The expected worth of an answer of this score, in the units of ``metric``."""
        return float(np.interp(score, self.scores, self.worth))

    def sure(self, score: float) -> bool:
        """Whether the edge's answer stands."""
        return score >= self.threshold

    @property
    def chosen(self) -> Point | None:
        """Of the curve, the point at the threshold; None of a curve that has none."""
        return next((point for point in self.curve if point.threshold == self.threshold), None)


def fit(
    scores: Sequence[float], quality: Sequence[float], cloud: Sequence[float] | None, share: float, metric: str
) -> Calibration:
    """From held-out answers of one model: its scores and what each answer was worth, and the cloud's, row by row.

    Isotonic regression (Zadrozny and Elkan 2002): more certain is never worth less. Raises InputError for too few, or
    a share outside 0..1.
    """
    if not 0 <= share <= 1:
        raise InputError(f"cloud share={share} must lie in 0..1: it is the share of questions that the cloud answers")
    if len(scores) < _LEAST:
        raise InputError(f"{len(scores)} held-out answers are fewer than {_LEAST}, so no threshold can be fitted")
    # Imported here, as only who calibrates needs it.
    from sklearn.isotonic import IsotonicRegression

    known = np.asarray(scores, dtype=float)
    worth = np.asarray(quality, dtype=float)
    curve = IsotonicRegression(out_of_bounds="clip").fit(known, worth)
    knots = np.unique(np.quantile(known, np.linspace(0, 1, 33)))
    return Calibration(
        tuple(knots.tolist()),
        tuple(curve.predict(knots).tolist()),
        _threshold(known, share),
        share,
        metric,
        len(known),
        _curve(known, worth, None if cloud is None else np.asarray(cloud, dtype=float), share),
    )


def _threshold(scores: "np.ndarray[Any, Any]", share: float) -> float:
    """The score that leaves ``share`` of the rows, rounded, below it."""
    order = np.sort(scores)
    below = round(share * len(order))
    if below == 0:
        return -np.inf
    return np.inf if below == len(order) else float((order[below - 1] + order[below]) / 2)


def _curve(
    scores: "np.ndarray[Any, Any]", worth: "np.ndarray[Any, Any]", cloud: "np.ndarray[Any, Any] | None", share: float
) -> tuple[Point, ...]:
    """By rising threshold, that of ``share`` among them."""
    points = []
    for threshold in sorted({_threshold(scores, float(one)) for one in (*np.linspace(0, 1, 21), share)}):
        own = scores >= threshold
        mixed = None if cloud is None else float(np.where(own, worth, cloud).mean())
        quality = float(worth[own].mean()) if own.any() else float("nan")
        points.append(Point(threshold, float(own.mean()), quality, mixed))
    return tuple(points)


def file_of(version: Path) -> Path:
    """Where the thresholds of a version lie: beside its folder, which stays as its run wrote it."""
    return version.with_name(version.name + _SUFFIX)


def newest(store: Path) -> tuple[str, dict[str, Calibration]] | None:
    """The version with most merges that has thresholds, by its name; None where none has."""
    files = (file for file in store.glob(f"*-*{_SUFFIX}") if file.name.partition("-")[0].isdigit())
    last = max(files, key=lambda file: (int(file.name.partition("-")[0]), file.stat().st_mtime), default=None)
    if last is None:
        return None
    version = last.name.removesuffix(_SUFFIX)
    return version, read(store / version)


def save(calibrations: Mapping[str, Calibration], version: Path) -> None:
    """Those of a version's models by name."""
    file = file_of(version)
    part = file.with_name(f".{file.name}.part")
    told = {name: _plain(asdict(one)) for name, one in calibrations.items()}
    part.write_text(json.dumps(told, allow_nan=False))
    part.replace(file)


def read(version: Path) -> dict[str, Calibration]:
    """Those of a version by model; none where none were fitted. Raises InputError for a file that is damaged."""
    file = file_of(version)
    if not file.is_file():
        return {}
    try:
        return {name: _calibration(one) for name, one in json.loads(file.read_text()).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{file} is damaged ({type(error).__name__}: {error}), so nobody knows when the edge is sure: remove it, "
            "and `mlecs serve` fits its thresholds anew"
        ) from error


def _plain(value: Any) -> Any:
    """JSON has no infinity, as a threshold may be, and no number for an empty share: they are words there."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _point(one: Mapping[str, Any]) -> Point:
    mixed = None if one["cascade"] is None else float(one["cascade"])
    return Point(float(one["threshold"]), float(one["coverage"]), float(one["quality"]), mixed)


def _calibration(one: Mapping[str, Any]) -> Calibration:
    return Calibration(
        **{**one, "scores": tuple(one["scores"]), "worth": tuple(one["worth"])}
        | {"curve": tuple(_point(point) for point in one["curve"]), "threshold": float(one["threshold"])}
    )
