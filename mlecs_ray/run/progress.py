"""What a live view shows of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from mlecs_ray.server.engine import Engine

Stage = Literal["starting", "preparing", "running", "finishing", "done"]
"""Of a run: ``preparing`` is the making of the cloud's first model, by offline training where the method has it."""


@dataclass(frozen=True)
class Progress:
    """One moment of a run."""

    stage: Stage = "starting"
    variant: str = ""
    virtual_seconds: float = 0.0
    until: float = 0.0
    max_merges: int | None = None
    real_seconds: float = 0.0
    first_update: float | None = None
    """Unix time at which the first update of this leg had come back: less that of the command's start, its start-up."""
    merges: int = 0
    updates: int = 0
    running: int = 0
    idle: int = 0
    offline: int = 0
    lost: int = 0
    refused: int = 0
    discarded: int = 0
    staleness: float = 0.0
    """Mean over merged updates."""
    download_bytes: int = 0
    upload_bytes: int = 0
    joules: float = 0.0
    last: Mapping[str, float] = field(default_factory=dict)
    """Newest values of the first judge."""

    @property
    def share(self) -> float:
        """How much of the run is behind, 0..1: by virtual time, or by merges where they are nearer to the limit."""
        if self.stage == "done":
            return 1.0
        by_time = self.virtual_seconds / self.until if self.until else 0.0
        by_merges = self.merges / self.max_merges if self.max_merges else 0.0
        return min(1.0, max(by_time, by_merges))

    @property
    def seconds_left(self) -> float | None:
        """Real seconds left at the present speed; None before there is one."""
        return self.real_seconds * (1 / self.share - 1) if self.share > 0.02 else None


def observe(engine: Engine, now: Progress) -> Progress:
    """``now`` with the engine's present figures."""
    tally, server = engine.tally, engine.server
    used = max(1, tally.updates - tally.refused - tally.discarded)
    return replace(
        now,
        virtual_seconds=engine.clock.now,
        merges=tally.merges,
        updates=tally.updates,
        running=len(engine.pending),
        idle=server.idle,
        offline=len(server.online) - sum(server.online),
        lost=tally.lost,
        refused=tally.refused,
        discarded=tally.discarded,
        staleness=tally.staleness / used,
        download_bytes=tally.download_bytes,
        upload_bytes=tally.upload_bytes,
        joules=tally.joules,
        last=dict(engine.evaluator.last),
    )
