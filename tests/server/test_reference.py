"""Stragglers against an independent simulation, written with SimPy and sharing only durations and schedule.

Nothing is learned here, as no duration depends on it; so all 40 virtual seconds take a moment.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
import simpy

from mlecs_ray.events import Train
from mlecs_ray.method import Arrival, Update
from mlecs_ray.scenario.build import Built, build, make_engine
from mlecs_ray.scenario.overrides import apply
from mlecs_ray.server.evaluation import Evaluator, Plan
from mlecs_ray.sim.fleet import Ready
from mlecs_ray.tree import Tree, tree_bytes
from scenarios.stragglers import SCENARIO
from tests.server.fakes import Memory

CASES = {
    **SCENARIO.variants,
    "over-selected": {**SCENARIO.variants["synchronous"], "schedule.buffer": 15, "schedule.over_select": 4 / 3},
    "deadline": {**SCENARIO.variants["synchronous"], "schedule.deadline": 0.3},
    "stale": {**SCENARIO.variants["asynchronous"], "schedule.max_staleness": 30},
}
Row = tuple[float, str, int, int, int]
"""Seconds, kind, client, job and version."""


class Merge(NamedTuple):
    """What one merge took: the jobs in the order of their arrival and how many merges late each was."""

    version: int
    jobs: tuple[int, ...]
    staleness: tuple[int, ...]


class Idle(deque[int]):
    """Whoever has waited longest is next."""

    pick = deque.popleft


class Told(Idle):
    """Idle clients of which the next is named from outside; it must be one of them."""

    def __init__(self, clients: Any, picks: list[int]) -> None:
        super().__init__(clients)
        self.picks = deque(picks)

    def pick(self) -> int:
        assert self.picks, "the reference starts a job that the engine does not"
        client = self.picks.popleft()
        self.remove(client)
        return client


class Reference:
    """SimPy processes: every job is one, and the server reacts when a job's timeout ends."""

    def __init__(self, built: Built, picks: list[int] | None = None) -> None:
        self.built, self.schedule = built, built.scenario.schedule
        self.env = simpy.Environment()
        self.log: list[Row] = []
        self.merges: list[Merge] = []
        self.jobs = self.version = self.round = self.open = 0
        self.buffer: list[tuple[int, int]] = []
        everyone = range(built.world.count)
        self.idle = Idle(everyone) if picks is None else Told(everyone, picks)
        self.tree = built.method.assign(built.method.init(0), built.world.client(0, 0.0))

    def fill(self) -> None:
        places = self.schedule.cohort - len(self.buffer) if self.schedule.barrier else self.schedule.concurrency
        while self.open < places and self.idle:
            if self.schedule.deadline and self.open == len(self.buffer) == 0:
                self.env.process(self.alarm(self.round))
            self.jobs += 1
            self.open += 1
            self.env.process(self.job(self.idle.pick(), self.jobs, self.round, self.version))

    def alarm(self, round_number: int) -> Generator[simpy.Event, None, None]:
        assert self.schedule.deadline
        while True:
            yield self.env.timeout(self.schedule.deadline)
            if self.round != round_number:
                return
            if self.buffer:
                self.merge()
                self.fill()
                return

    def job(self, number: int, job: int, round_number: int, version: int) -> Generator[simpy.Event, None, None]:
        world, method = self.built.world, self.built.method
        client = world.client(number, self.env.now)
        self.log.append((self.env.now, "started", number, job, version))
        work = method.work(client, self.tree)
        yield self.env.timeout(world.timing(client, self.env.now, job, tree_bytes(self.tree), work).total)
        self.log.append((self.env.now, "finished", number, job, version))
        self.idle.append(number)
        self.open -= self.counts(round_number)
        if not self.counts(round_number) or self.late(version):
            self.log.append((self.env.now, "discarded", number, job, self.version))
        else:
            self.buffer.append((job, version))
            if len(self.buffer) == self.schedule.buffer:
                self.merge()
        self.fill()

    def counts(self, round_number: int) -> bool:
        return not self.schedule.barrier or round_number == self.round

    def late(self, version: int) -> bool:
        return self.schedule.max_staleness is not None and self.version - version > self.schedule.max_staleness

    def merge(self) -> None:
        staleness = tuple(self.version - version for _, version in self.buffer)
        self.version += 1
        self.merges.append(Merge(self.version, tuple(job for job, _ in self.buffer), staleness))
        self.buffer = []
        if self.schedule.barrier:
            self.round += 1
            self.open = 0
        self.log.append((self.env.now, "merged", -1, -1, self.version))

    def run(self) -> tuple[list[Row], list[Merge]]:
        self.fill()
        self.env.run(until=self.built.scenario.seconds)
        return self.log, self.merges


class Unlearned:
    """A method of which only the state stands still: payloads and costs are its own."""

    def __init__(self, method: Any) -> None:
        self.init, self.assign, self.work = method.init, method.assign, method.work

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        return state


class Echo:
    """A fleet that sends back what it was sent."""

    def train(self, train: Train) -> Awaitable[Update]:
        return Ready(Update(train.job.tree, 1.0))

    def commit(self, client: int, number: int) -> None:
        """Nobody keeps anything."""


async def ours(built: Built) -> tuple[list[Row], list[Merge], dict[int, int]]:
    """The engine's log, its merges and, by job, the staleness that its records tell."""
    journal = Memory()
    fleet: Any = Echo()
    engine = make_engine(built, fleet, journal)
    engine.evaluator = Evaluator(Plan(), built.method, fleet, journal)
    merges = [Merge(merged.version, merged.numbers, merged.staleness) async for merged in engine.run()]
    kinds = ("started", "finished", "merged", "discarded")
    records = {job.number: job.staleness for job in journal.jobs if job.outcome == "merged"}
    return [event[:5] for event in journal.events if event[1] in kinds], merges, records


def cast(changes: Mapping[str, Any]) -> Built:
    built = build(apply(SCENARIO.model_copy(update={"variants": {}, "seeds": ()}), changes))
    assert built.scenario.seconds == 40.0
    method: Any = Unlearned(built.method)
    return replace(built, method=method)


@pytest.mark.parametrize("name", CASES)
def test_the_events_and_merges_of_stragglers_are_those_of_an_independent_simulation(name: str) -> None:
    built = cast({**CASES[name], "schedule.selection": "fifo"})
    log, merges, records = asyncio.run(ours(built))
    expected, expected_merges = Reference(built).run()
    assert len(expected) > 1000
    assert log == expected
    assert merges == expected_merges
    assert records == {job: late for merge in merges for job, late in zip(merge.jobs, merge.staleness, strict=True)}
    discards = any(kind == "discarded" for _, kind, *_ in log)
    assert discards == (name in ("over-selected", "deadline", "stale"))


@pytest.mark.parametrize("name", SCENARIO.variants)
def test_with_its_own_selection_too_where_the_simulation_is_told_whom_to_pick(name: str) -> None:
    built = cast(SCENARIO.variants[name])
    assert built.scenario.schedule.selection == "random"
    log, merges, _ = asyncio.run(ours(built))
    picks = [event[2] for event in log if event[1] == "started"]
    reference = Reference(built, picks)
    assert reference.run() == (log, merges)
    assert reference.jobs == len(picks)
