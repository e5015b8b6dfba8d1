"""How much each upload counts in a merge of what clients hold: by modality, samples, lateness."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from mlecs_ray.method import Arrival
from mlecs_ray.methods.checks import check, check_power
from mlecs_ray.methods.lowrank import Rule
from mlecs_ray.methods.staleness import polynomial

Weighting = Literal["count", "samples", "uniform"]


def check_weighting(weighting: str) -> None:
    """Raise InputError for a weighting that is none."""
    check(
        weighting in get_args(Weighting),
        f"weighting={weighting!r} must be one of {get_args(Weighting)}, or clients have no weights",
    )


def weight(arrival: Arrival, weighting: Weighting) -> float:
    """``M_k``, how many modalities the client had in this job (``count``), its samples, or 1 (``uniform``)."""
    if weighting == "count":
        return float(len(arrival.client.modalities))
    return arrival.update.weight if weighting == "samples" else 1.0


@dataclass(frozen=True)
class Mixing:
    """``q_k = rate part s(tau_k) w_k / sum_j w_j`` over those that are merged together; the server keeps
    ``1 - sum q_k`` of what it had.

    ``s(tau) = (1 + tau)^-power`` as in FedAsync (arXiv 1903.03934). ``part`` is how many of the jobs under way are
    merged at once, ``schedule.share``: where that is all of them, rate is 1 and nobody is late, uploads replace what
    the server had, as in a synchronous round. Weights compare uploads with one another: one that is merged alone weighs
    as any other.
    """

    weighting: Weighting = "count"
    rule: Rule = "mean"
    rate: float = 1.0
    power: float = 0.5
    part: float = 1.0

    def __post_init__(self) -> None:
        check_weighting(self.weighting)
        check(self.rule in get_args(Rule), f"rule={self.rule!r} must be one of {get_args(Rule)}, or nothing is merged")
        check(0 < self.rate <= 1 and math.isfinite(self.rate), f"rate={self.rate} must lie in (0, 1], or nothing moves")
        check_power(self.power)

    def shares(self, arrivals: Sequence[Arrival]) -> list[float]:
        """``q_k`` of each."""
        weights = [weight(arrival, self.weighting) for arrival in arrivals]
        late = [polynomial(arrival.staleness, self.power) for arrival in arrivals]
        return [self.rate * self.part * s * w / sum(weights) for w, s in zip(weights, late, strict=True)]
