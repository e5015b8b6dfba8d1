"""Evaluation as an event of the virtual world: when, of whom, and how its answers become numbers."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client, Method
from mlecs_ray.server.journal import EventRow, Journal, Scope
from mlecs_ray.sim.fleet import Fleet, Probe
from mlecs_ray.tree import Tree

LOOKAHEAD = 2
"""How many evaluations may be under way while the run goes on."""


@dataclass(frozen=True)
class Judge:
    """Whose model is measured: ``scope`` is global, cloud, client or personal."""

    scope: Scope
    subject: str
    client: Client


@dataclass(frozen=True)
class Plan:
    """Evaluate at the start, every so many merges or virtual seconds, and at the end."""

    judges: tuple[Judge, ...] = ()
    measure: Callable[[Sequence[Any]], Mapping[str, float]] = lambda _: {}
    rows: int = 0
    every_merges: int | None = None
    every_seconds: float | None = None
    seen: Callable[[Client, float], Client] = lambda client, _: client
    """A judge's client as it is now: its modalities may vary with time."""

    def __post_init__(self) -> None:
        for name in ("every_merges", "every_seconds"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"evaluation.{name}={value} must be above 0, or time would stand still")


@dataclass
class Evaluator:
    """Starts evaluations on the fleet and writes their results in the order in which they were asked for."""

    plan: Plan
    method: Method
    fleet: Fleet
    journal: Journal
    last: dict[str, float] = field(default_factory=dict)
    """The newest values of the first judge."""
    asked_version: int = -1
    """The last version that was asked about."""
    _asked: deque[tuple[float, int, Judge, asyncio.Future[list[Any]]]] = field(default_factory=deque)

    async def ask(self, now: float, version: int, state: Tree, judges: Iterable[Judge] | None = None) -> None:
        """Begin to evaluate; waits only while LOOKAHEAD evaluations of every judge are under way."""
        self.asked_version = version
        self.journal.event(EventRow(now, "evaluated", version=version))
        for judge in self.plan.judges if judges is None else judges:
            if judge.scope == "personal" and judge.client.id not in self.fleet.keepers():
                continue
            client = self.plan.seen(judge.client, now)
            tree = self.method.assign(state, client)
            probe = Probe(client, tree, self.plan.rows, personal=judge.scope == "personal")
            answers = asyncio.ensure_future(self.fleet.predict(probe))
            self._asked.append((now, version, judge, answers))
        while len(self._asked) > LOOKAHEAD * len(self.plan.judges):
            await self._write()

    async def collect(self) -> None:
        """Write the results that are there, without waiting for any; their order stays that of the questions."""
        if self._asked:
            await asyncio.sleep(0)
        while self._asked and self._asked[0][-1].done():
            await self._write()

    async def drain(self) -> None:
        """Wait for every evaluation under way."""
        while self._asked:
            await self._write()

    async def _write(self) -> None:
        now, version, judge, answers = self._asked.popleft()
        values = dict(self.plan.measure(await answers))
        if judge == self.plan.judges[0]:
            self.last = values
        self.journal.metric(now, version, judge.scope, judge.subject, {**values, "samples": float(self.plan.rows)})
