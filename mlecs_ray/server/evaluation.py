"""Evaluation as an event of the virtual world: when, of whom, and how its answers become numbers."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client, Method, shown
from mlecs_ray.server.journal import EventRow, Journal, Scope
from mlecs_ray.sim.fleet import Fleet, Probe
from mlecs_ray.tree import Tree

LOOKAHEAD = 2
"""How many evaluations may be under way while the run goes on."""


@dataclass(frozen=True)
class Judge:
    """Whose model is measured: ``scope`` is global, cloud, client or personal; ``local``: on the client's own test."""

    scope: Scope
    subject: str
    client: Client
    local: bool = False


Measure = Callable[[Client, bool, Sequence[Any]], Mapping[str, float]]
"""Whose answers, whether to its own test, and the answers to the first rows: the metrics."""


@dataclass(frozen=True)
class Plan:
    """Evaluate at the start, every so many merges or virtual seconds, and at the end."""

    judges: tuple[Judge, ...] = ()
    measure: Measure = lambda *_: {}
    rows: int = 0
    local_rows: int = 0
    """Of a client's own test."""
    every_merges: int | None = None
    every_seconds: float | None = None
    seen: Callable[[Client, float], Client] = lambda client, _: client
    """A judge's client as it is now: its modalities may vary with time."""

    @property
    def local(self) -> bool:
        """Whether the fleet is judged by clients on their own tests."""
        return any(judge.local for judge in self.judges)

    def __post_init__(self) -> None:
        for name in ("every_merges", "every_seconds"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"evaluation.{name}={value} must be above 0, or time would stand still")


class _Asked(NamedTuple):
    """One judge's answers, which may be on their way; ``last``: of those of one moment."""

    now: float
    version: int
    judge: Judge
    client: Client
    """As it was then."""
    answers: asyncio.Future[list[Any]]
    last: bool


@dataclass
class Evaluator:
    """Starts evaluations on the fleet and writes their results in the order in which they were asked for.

    Where clients are measured on their own tests, their plain mean is the fleet's value.
    """

    plan: Plan
    method: Method
    fleet: Fleet
    journal: Journal
    last: dict[str, float] = field(default_factory=dict)
    """The newest values of the fleet, or of the first judge where clients have no tests of their own."""
    asked_version: int = -1
    """The last version that was asked about."""
    _asked: deque[_Asked] = field(default_factory=deque)
    _local: list[dict[str, float]] = field(default_factory=list)
    """The values of one moment that the fleet's will be the mean of."""

    async def ask(self, now: float, version: int, state: Tree) -> None:
        """Begin to evaluate; waits only while LOOKAHEAD evaluations of every judge are under way."""
        self.asked_version = version
        self.journal.event(EventRow(now, "evaluated", version=version))
        judges = [judge for judge in self.plan.judges if self._can(judge)]
        for judge in judges:
            client = self.plan.seen(judge.client, now)
            rows = self.plan.local_rows if judge.local else self.plan.rows
            personal = judge.scope == "personal"
            probe = Probe(client, shown(self.method, state, client), rows, personal, judge.local)
            answers = asyncio.ensure_future(self.fleet.predict(probe))
            self._asked.append(_Asked(now, version, judge, client, answers, judge is judges[-1]))
        while len(self._asked) > LOOKAHEAD * len(self.plan.judges):
            await self._write()

    def _can(self, judge: Judge) -> bool:
        """A client that has kept nothing has no model of its own; on its own test it answers with what it is sent."""
        return judge.scope != "personal" or judge.local or judge.client.id in self.fleet.keepers()

    async def collect(self) -> None:
        """Write the results that are there, without waiting for any; their order stays that of the questions."""
        if self._asked:
            await asyncio.sleep(0)
        while self._asked and self._asked[0].answers.done():
            await self._write()

    async def drain(self) -> None:
        """Wait for every evaluation under way."""
        while self._asked:
            await self._write()

    async def _write(self) -> None:
        asked = self._asked.popleft()
        judge, answers = asked.judge, await asked.answers
        values = {**self.plan.measure(asked.client, judge.local, answers), "samples": float(len(answers))}
        self.journal.metric(asked.now, asked.version, judge.scope, judge.subject, values)
        if judge.local:
            self._local.append(values)
        elif judge == self.plan.judges[0] and not self.plan.local:
            self._show(values)
        if asked.last and self._local:
            fleet, self._local = _mean(self._local), []
            self.journal.metric(asked.now, asked.version, "fleet", "mean", fleet)
            self._show(fleet)

    def _show(self, values: Mapping[str, float]) -> None:
        self.last = {name: value for name, value in values.items() if name != "samples"}


def _mean(clients: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Each value's plain mean, and all samples."""
    mean = {name: sum(one[name] for one in clients) / len(clients) for name in clients[0]}
    return {**mean, "samples": sum(one["samples"] for one in clients)}
