"""When clients start and when the server merges: one value covers every kind of (a)synchrony."""

import math
from dataclasses import dataclass
from typing import Literal

from mlecs_ray.errors import InputError

Selection = Literal["fifo", "random", "availability", "utility"]


@dataclass(frozen=True)
class Schedule:
    """Synchronous: ``barrier``. Semi-synchronous: that with ``tiers``. Buffered: ``buffer`` > 1. Else asynchronous.

    ``concurrency`` and ``buffer`` count clients per tier. With a barrier a round starts
    ``ceil(buffer * over_select)`` clients and merges the first ``buffer`` that answer; whoever the round left
    behind finishes alone and is discarded. At ``deadline`` (virtual seconds) a round merges what it has.
    """

    concurrency: int = 16
    """Clients that are at work at once, in each tier."""
    buffer: int = 1
    """Updates that are merged at once."""
    barrier: bool = False
    """Rounds: the next jobs begin when the merge of the last is done."""
    deadline: float | None = None
    """Virtual seconds after which a round merges what it has; None: it waits."""
    over_select: float = 1.0
    """Times as many clients as ``buffer`` start in a round, of which the first are merged."""
    max_staleness: int | None = None
    """Updates that are more merges late than this are discarded."""
    tiers: int = 1
    """Clients are split by expected speed; every tier has rounds of its own (FedAT)."""
    selection: Selection = "random"
    """Who is next: who waits longest; anybody; who lost fewest of its jobs; or who is most useful (Oort)."""

    def __post_init__(self) -> None:
        checks = (
            (
                1 <= self.buffer <= self.concurrency,
                f"buffer={self.buffer} must lie in 1..concurrency={self.concurrency}, or the server never merges",
            ),
            (
                1.0 <= self.over_select < math.inf and (self.over_select == 1.0 or self.barrier),
                f"over_select={self.over_select} must be at least 1 and needs barrier=true: "
                "without a round there is nobody to leave behind",
            ),
            (
                not self.barrier or self.cohort <= self.concurrency,
                f"buffer x over_select starts {self.cohort} clients, above concurrency={self.concurrency}, "
                "so no round could start whole",
            ),
            (
                self.deadline is None or (self.barrier and 0 < self.deadline < math.inf),
                f"deadline={self.deadline} must be a positive number of seconds and needs barrier=true, "
                "or it would end no round",
            ),
            (
                self.max_staleness is None or self.max_staleness >= 0,
                f"max_staleness={self.max_staleness} is below 0, so every update would be discarded",
            ),
            (self.tiers >= 1, f"tiers={self.tiers} must be at least 1, or no client belongs anywhere"),
        )
        for holds, message in checks:
            if not holds:
                raise InputError(message)

    @property
    def cohort(self) -> int:
        """How many clients a round of one tier starts."""
        return math.ceil(self.buffer * self.over_select - 1e-9)

    def share(self, clients: int) -> float:
        """How many of the jobs under way in a fleet of so many are merged at once; a round merges all that it waits
        for."""
        return 1.0 if self.barrier else min(1.0, self.buffer / min(self.concurrency, clients))
