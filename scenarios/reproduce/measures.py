"""What is taken from a run folder before it is deleted."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from mlecs_ray.run.records import Run
from scenarios.reproduce.effort import Effort, effort, spent

if TYPE_CHECKING:
    import pandas as pd

Scores = dict[str, dict[str, dict[str, float]]]
"""Scope -> subject (a client, or a structure) -> metric -> value."""
FLEET, MEAN = "fleet", "mean"
"""Scope and subject of the mean over clients that are measured on tests of their own."""
ARRIVED = ("merged", "waiting", "discarded", "refused")
"""Outcomes of jobs that came to their end."""
DIGITS = 6


@dataclass(frozen=True)
class Volume:
    """Bytes of models at 4 a parameter: frozen language model, adapters, encoders and connector."""

    client: Callable[[int, frozenset[str]], int]
    """Of this client with these modalities."""
    cloud: int
    """0 where the cloud has no model that learns."""


@dataclass(frozen=True)
class Traffic:
    """Means over the edge jobs that arrived; what questions before them moved is theirs."""

    jobs: int
    download: Mapping[str, float]
    """Bytes by part: ``lora``, ``anchors``, ..., or a modality."""
    upload: Mapping[str, float]
    client: float
    """Bytes of the model that the job's client has."""
    cloud: int
    """Bytes of the cloud's model."""

    @property
    def moved(self) -> float:
        """Bytes of a job, both ways."""
        return sum(self.download.values()) + sum(self.upload.values())

    @property
    def share(self) -> float:
        """Both ways, of the client's own model."""
        return self.moved / self.client if self.client else 0.0

    @property
    def share_of_all(self) -> float:
        """Both ways, of the client's and the cloud's model."""
        return self.moved / (self.client + self.cloud) if self.client else 0.0


@dataclass(frozen=True)
class Result:
    """One run, measured; all that the document is made of."""

    first: Scores
    """The first values that were measured; those of ``personal`` come after a client's first job."""
    final: Scores
    curve: list[tuple[float, float]]
    """(virtual second, mean over clients of the metric that decides), from when all have a model of their own; before
    that what the server's model answered before it learned. Of a fleet that is measured as such from the start."""
    traffic: Traffic
    virtual_seconds: float
    merges: int
    staleness: float
    """Mean over the merged edge jobs."""
    real_seconds: float
    effort: Effort | None = None
    spent: list[float] | None = None
    """Bytes that had been moved at each point of the curve."""

    def as_json(self) -> dict[str, Any]:
        """Plain values; what was not recorded is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """What ``as_json`` gave."""
        curve = [(float(seconds), float(value)) for seconds, value in raw["curve"]]
        told = {"effort": Effort(**raw["effort"])} if raw.get("effort") else {}
        return cls(**{**raw, **told, "curve": curve, "traffic": Traffic(**raw["traffic"])})


def take(run: Run, target: str, volume: Volume, real_seconds: float) -> Result:
    """The measures of a run folder; ``target`` is the metric that decides."""
    rows = run.metrics[run.metrics["value"].notna()]
    edge = run.traffic[run.traffic["role"] == "edge"]
    merged = edge.loc[edge["outcome"] == "merged", "staleness"]
    arrived, asked = edge[edge["outcome"].isin(ARRIVED)], edge[edge["outcome"] == "told"]
    curve = _curve(rows[rows["metric"] == target])
    return Result(
        first=_scores(rows.drop_duplicates(["scope", "subject", "metric"], keep="first")),
        final=_scores(rows.drop_duplicates(["scope", "subject", "metric"], keep="last")),
        curve=curve,
        traffic=_traffic(arrived, asked, volume),
        virtual_seconds=round(float(run.events["seconds"].max()), DIGITS) if len(run.events) else 0.0,
        merges=int((run.events["kind"] == "merged").sum()),
        staleness=round(float(merged.mean()), DIGITS) if len(merged) else 0.0,
        real_seconds=round(real_seconds, 1),
        effort=effort(arrived, asked),
        spent=spent(edge, [seconds for seconds, _ in curve]),
    )


def _scores(rows: "pd.DataFrame") -> Scores:
    """Where the fleet's mean is there, without the many clients that it is the mean of."""
    if (rows["scope"] == FLEET).any():
        rows = rows[rows["scope"] != "personal"]
    scores: Scores = {}
    for scope, subject, metric, value in rows[["scope", "subject", "metric", "value"]].itertuples(index=False):
        scores.setdefault(scope, {}).setdefault(subject, {})[metric] = round(float(value), DIGITS)
    return scores


def _curve(rows: "pd.DataFrame") -> list[tuple[float, float]]:
    """The mean of some clients is none of all: those that are slow would be missing where it rises."""
    if len(fleet := rows[rows["scope"] == FLEET].groupby("seconds")["value"].last()):
        return [(round(float(seconds), DIGITS), round(float(value), DIGITS)) for seconds, value in fleet.items()]
    own = rows[rows["scope"] == "personal"].groupby("seconds")["value"].agg(["mean", "size"])
    whole = own.loc[own["size"] == own["size"].max(), "mean"]
    start = rows[(rows["scope"] == "global") & (rows["seconds"] == 0)]["value"]
    points = [(0.0, float(start.mean()))] if len(start) else []
    points += [(float(seconds), float(value)) for seconds, value in whole.items()]
    return [(round(seconds, DIGITS), round(value, DIGITS)) for seconds, value in points]


def _traffic(jobs: "pd.DataFrame", asked: "pd.DataFrame", volume: Volume) -> Traffic:
    owners = [
        volume.client(int(client), frozenset(names.split("+")))
        for client, names in zip(jobs["client"], jobs["modalities"], strict=True)
    ]
    mean = round(sum(owners) / len(owners), 1) if owners else 0.0
    down, up = (_parts([*jobs[way], *asked[way]], len(jobs)) for way in ("download_by", "upload_by"))
    return Traffic(len(jobs), down, up, mean, volume.cloud)


def _parts(cells: Iterable[Mapping[str, int]], jobs: int) -> dict[str, float]:
    total: dict[str, float] = {}
    for by in cells:
        for part, size in by.items():
            total[part] = total.get(part, 0) + size
    return {part: round(size / max(jobs, 1), 1) for part, size in sorted(total.items())}
