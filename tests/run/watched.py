"""Runs that are broken off, and what it means that two runs are the same."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from mlecs_ray.run.local import local_fleet
from mlecs_ray.run.outcome import Outcome
from mlecs_ray.run.records import read_run
from mlecs_ray.run.session import Session
from mlecs_ray.scenario.build import Built
from mlecs_ray.sim.fleet import Fleet


class Watched:
    """A fleet that does ``deed`` when job number ``at`` is committed, and knows whether it was closed."""

    def __init__(self, fleet: Fleet, deed: Callable[[], None], at: int) -> None:
        self.fleet, self.deed, self.at, self.closed = fleet, deed, at, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.fleet, name)

    def commit(self, client: int, number: int) -> None:
        self.fleet.commit(client, number)
        if number == self.at:
            self.deed()

    async def close(self) -> None:
        self.closed = True
        await self.fleet.close()


def run(session: Session, deed: Callable[[], None] = lambda: None, at: int = 0) -> tuple[Outcome, Watched]:
    made: list[Watched] = []

    async def make(built: Built) -> Watched:
        made.append(Watched(await local_fleet(built), deed, at))
        return made[0]

    return asyncio.run(session.execute(make)), made[0]


def crash() -> None:
    raise RuntimeError("the machine is gone")


def assert_same(one: tuple[Outcome, Path], other: tuple[Outcome, Path]) -> None:
    """Both are finished, and their outcomes and all that their folders record agree."""
    assert one[0].finished
    assert digests(one[0]) == digests(other[0])
    for ours, theirs in zip(*(vars(read_run(folder)).values() for _, folder in (one, other)), strict=True):
        if isinstance(ours, pd.DataFrame):
            pd.testing.assert_frame_equal(ours, theirs)


def digests(outcome: Outcome) -> tuple[str, str]:
    return outcome.events_digest, outcome.state_digest
