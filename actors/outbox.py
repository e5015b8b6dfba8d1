"""What waits to be sent to actors, and who is sent what: calls large enough to be worth making."""

from dataclasses import dataclass, field
from typing import Any

from mlecs_ray.sim.cohorts import Cohort

CALL_SECONDS = 0.05
"""Work that a call should hold, where there is that much: a call costs about a hundredth of it."""
_RISE = 1.1
"""How much slower a call may seem than the one before: the first are slow, as the actor warms up, and falls count."""


@dataclass(frozen=True)
class Errand:
    """The shared objects that a job's actor needs."""

    payload: Any
    kept: Any


@dataclass
class Outbox:
    """Cohorts that are ready to be sent. Which call carries them changes no result: it may depend on real time."""

    hosts: int
    ready: list[Cohort] = field(default_factory=list)
    _flops: float = 0.0
    _busy: list[float] = field(init=False)
    """FLOPs that each host was sent and has not answered."""
    _rate: float | None = None
    """Seconds per FLOP, near the best that was measured."""

    def __post_init__(self) -> None:
        self._busy = [0.0] * self.hosts

    def add(self, cohort: Cohort) -> None:
        self.ready.append(cohort)
        self._flops += flops(cohort)

    @property
    def full(self) -> bool:
        """Whether there is a call's worth of work for every host, as far as is known."""
        return self._flops * (self._rate or 0.0) >= CALL_SECONDS * self.hosts

    def take(self, host_of: list[int | None]) -> dict[int, list[Cohort]]:
        """Empty it: cohorts by host. ``host_of`` names each cohort's own host; None: whoever has least to do."""
        calls: dict[int, list[Cohort]] = {}
        for cohort, own in zip(self.ready, host_of, strict=True):
            host = own if own is not None else min(range(self.hosts), key=self._busy.__getitem__)
            self._busy[host] += flops(cohort)
            calls.setdefault(host, []).append(cohort)
        self.ready, self._flops = [], 0.0
        return calls

    def answered(self, host: int, work: float, seconds: float) -> None:
        """A call of so many FLOPs has come back."""
        self._busy[host] -= work
        rate = seconds / work
        self._rate = rate if self._rate is None else min(rate, self._rate * _RISE)


def flops(cohort: Cohort) -> float:
    """Of all its jobs."""
    return sum(train.work.flops for train in cohort)
