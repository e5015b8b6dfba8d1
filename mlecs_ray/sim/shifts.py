"""When the environment of a client shifts: from then on it has other data."""

import math
from dataclasses import dataclass

from mlecs_ray.errors import InputError
from mlecs_ray.seeds import uniform
from mlecs_ray.sim.checks import check_positive, check_share


@dataclass(frozen=True)
class Shifts:
    """``count`` shifts, one every ``period`` virtual seconds; pure, so that any order of questions gives the same.

    Client c meets its shift number s at ``(s - spread u_c) period``, u_c from [0, 1): with ``spread`` 0 all at once.
    """

    count: int = 0
    period: float = 600.0
    spread: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 0:
            raise InputError(f"count={self.count} must be 0 or more, or there is no first environment")
        check_positive("period", self.period, "environments have no length")
        check_share("spread", self.spread, "it is no part of a period")

    def of(self, client: int, seconds: float) -> int:
        """How many shifts this client has met by then."""
        if not self.count:
            return 0
        early = self.spread * uniform(self.seed, "shift", client) if self.spread else 0.0
        return max(0, min(self.count, math.floor(seconds / self.period + early)))
