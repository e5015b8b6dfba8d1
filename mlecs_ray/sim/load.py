"""Background load: what else runs on a device, and how much slower that makes training."""

import math
from dataclasses import dataclass
from typing import Protocol

from mlecs_ray.errors import InputError
from mlecs_ray.seeds import uniform
from mlecs_ray.sim.checks import check_positive, check_share


class Load(Protocol):
    """How much longer computing takes; pure, so that any order of questions gives the same answers."""

    def factor(self, client: int, seconds: float) -> float:
        """At least 1: compute seconds of a job whose computing starts at ``seconds`` are multiplied by it."""


@dataclass(frozen=True)
class Idle:
    """Nothing else runs."""

    def factor(self, client: int, seconds: float) -> float:
        return 1.0


@dataclass(frozen=True)
class Bursty:
    """In each ``period`` a client is busy with chance ``share``, and then ``slowdown`` times slower."""

    share: float
    slowdown: float
    period: float = 600.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_share("share", self.share, "it is no chance of being busy")
        check_positive("period", self.period, "a burst has no length")
        if not 1 <= self.slowdown < math.inf:
            raise InputError(f"slowdown={self.slowdown} must be finite and >= 1, or load would speed a device up")

    def factor(self, client: int, seconds: float) -> float:
        busy = uniform(self.seed, "load", client, math.floor(seconds / self.period)) < self.share
        return self.slowdown if busy else 1.0


@dataclass(frozen=True)
class CoRunning:
    """``processes`` others share the processor fairly, so training gets 1 part in 1 + processes."""

    processes: int

    def __post_init__(self) -> None:
        if not 1 <= self.processes <= 4:
            raise InputError(
                f"processes={self.processes} must lie in 1..4, or fair sharing no longer describes the device"
            )

    def factor(self, client: int, seconds: float) -> float:
        return 1.0 + self.processes


@dataclass(frozen=True)
class Processes:
    """In each ``period`` ``fewest`` to ``most`` others, each number as likely, share a client's processor fairly."""

    most: int
    period: float = 600.0
    seed: int = 0
    fewest: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.most <= 4:
            raise InputError(f"most={self.most} must lie in 1..4, or fair sharing no longer describes the device")
        if not 0 <= self.fewest <= self.most:
            raise InputError(f"fewest={self.fewest} must lie in 0..most={self.most}, or no number of processes does")
        check_positive("period", self.period, "the number of processes never holds")

    def factor(self, client: int, seconds: float) -> float:
        drawn = uniform(self.seed, "load", client, math.floor(seconds / self.period))
        return 1.0 + self.fewest + math.floor((self.most - self.fewest + 1) * drawn)
