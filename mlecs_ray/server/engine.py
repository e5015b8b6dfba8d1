"""Drives a server with a fleet through virtual time.

A finish time depends on the device, its link and the work, never on what was learned. So a job starts on the
fleet at once and is awaited only when the clock gets there: every core is busy, and the order is the same on
any machine.
"""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from mlecs_ray.events import (
    Alarm,
    Discarded,
    Event,
    Finished,
    Lost,
    Merged,
    Offline,
    Online,
    Rang,
    Refused,
    Told,
    Train,
)
from mlecs_ray.method import Update
from mlecs_ray.server.core import Server
from mlecs_ray.server.evaluation import Evaluator
from mlecs_ray.server.journal import EventRow, JobRecord, Journal, Outcome, Tally, crossed, sizes, spent
from mlecs_ray.server.pace import Pace, VirtualPace
from mlecs_ray.sim.clock import Clock
from mlecs_ray.sim.fleet import Fleet
from mlecs_ray.sim.population import CLOUD
from mlecs_ray.sim.world import Fate, Timing, World


class Change(NamedTuple):
    """A client's reachability flips."""

    client: int


class Due(NamedTuple):
    """Job ``number`` reaches its end."""

    number: int


class Tick(NamedTuple):
    """The evaluation ``number`` by the clock is due, counted from 1."""

    number: int


Happening = Change | Due | Rang | Tick


class Pending(NamedTuple):
    """A job under way: what will become of it is known, what it learned is not."""

    train: Train
    start: float
    timing: Timing
    fate: Fate
    download: Mapping[str, int]
    """Bytes by modality."""
    upload: Mapping[str, int]


@dataclass(frozen=True)
class Limits:
    """Where a run ends: at the first of them."""

    seconds: float
    merges: int | None = None


@dataclass
class Engine:
    """The event loop. ``run`` yields every merge; between two of them nothing moves, so it can be frozen."""

    server: Server
    world: World
    fleet: Fleet
    journal: Journal
    evaluator: Evaluator
    limits: Limits
    clock: Clock[Happening] = field(init=False)
    pending: dict[int, Pending] = field(default_factory=dict)
    unsettled: dict[int, JobRecord] = field(default_factory=dict)
    """Jobs that have answered and wait for their merge."""
    tally: Tally = field(default_factory=Tally)
    pace: Pace[Happening] = field(default_factory=VirtualPace)
    opened: bool = False
    _answers: dict[int, Awaitable[Update]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = Clock(self.world.count, Change)

    async def run(self, stopped: Callable[[], bool] = lambda: False) -> AsyncIterator[Merged]:
        """Go on until a limit is reached, nothing can happen any more, or ``stopped`` says so."""
        if not self.opened:
            await self._open()
        while not self._over() and not stopped():
            happening = await self.pace.next(self.clock, self.limits.seconds, stopped)
            if happening is None:
                break
            for step in await self._happen(happening):
                yield step
        await self.evaluator.drain()

    async def finish(self) -> None:
        """Evaluate the last state and write down what was still under way."""
        if not self._over():
            self.clock.now = max(self.clock.now, self.limits.seconds)
        if self.evaluator.asked_version != self.server.version:
            await self.evaluator.ask(self.clock.now, self.server.version, self.server.state)
        await self.evaluator.drain()
        for number, job in sorted(self.pending.items()):
            self.journal.job(self._record(number, job, "running", self.clock.now - job.start))
        for _, record in sorted(self.unsettled.items()):
            self.journal.job(record)

    def _over(self) -> bool:
        return self.limits.merges is not None and self.tally.merges >= self.limits.merges

    async def _open(self) -> None:
        self.opened = True
        await self.evaluator.ask(0.0, 0, self.server.state)
        self._expect_tick(1)
        online, until = self.world.states()
        opening: list[int] = np.flatnonzero(online).tolist()
        self.journal.event(EventRow(0.0, "online", detail=str(len(opening))))
        self.clock.plan_all(until)
        await self._decide(Online(opening))

    async def _happen(self, happening: Happening) -> list[Merged]:
        match happening:
            case Change(client):
                return await self._change(client)
            case Due(number):
                return await self._land(number)
            case Rang() as rang:
                return await self._decide(rang)
            case Tick(number):
                await self.evaluator.ask(self.clock.now, self.server.version, self.server.state)
                self._expect_tick(number + 1)
                return []

    def _expect_tick(self, number: int) -> None:
        """Multiplied, not added up: three times 0.1 s is 0.3 s, and the end of a run of 0.3 s."""
        every, end = self.evaluator.plan.every_seconds, self.limits.seconds
        if every is not None:
            at = every * number
            self.clock.at(end if math.isclose(at, end) else at, Tick(number))

    async def _change(self, client: int) -> list[Merged]:
        online, until = self.world.state(client, self.clock.now)
        self._expect_change(client, until)
        return await self._reach(client, online)

    def _expect_change(self, client: int, until: float) -> None:
        if until < math.inf:
            self.clock.plan(client, until)

    async def _reach(self, client: int, online: bool) -> list[Merged]:
        """Tell the server that a client came or went, if it did."""
        if online == bool(self.server.online[client]):
            return []
        self.journal.event(EventRow(self.clock.now, "online" if online else "offline", client=client))
        return await self._decide(Online((client,)) if online else Offline(client))

    async def _land(self, number: int) -> list[Merged]:
        job = self.pending.pop(number)
        if self.pace.real:
            job = job._replace(fate=Fate(self.clock.now - job.start))
        client, now = job.train.job.client.id, self.clock.now
        record = self._record(number, job, "lost" if job.fate.lost else "waiting", job.fate.seconds)
        self._book(record)
        merged: list[Merged] = []
        if client != CLOUD:
            self.world.settle(client, record.timing.joules)
            if not self.world.state(client, now)[0]:
                merged += await self._reach(client, False)
        if job.fate.lost is not None:
            self.tally.lost += 1
            self.journal.event(EventRow(now, "lost", client, number, job.train.job.version, detail=job.fate.lost))
            self.journal.job(record)
            return merged + await self._decide(Lost(client, number))
        update = await self._answers.pop(number)
        self.fleet.commit(client, number)
        self.tally.updates += 1
        self.journal.event(EventRow(now, "finished", client, number, job.train.job.version))
        self.unsettled[number] = record
        return merged + await self._decide(Finished(client, number, update))

    async def _decide(self, event: Event) -> list[Merged]:
        """Let the server handle it and carry out its steps."""
        merges: list[Merged] = []
        for step in self.server.handle(self.clock.now, event):
            match step:
                # Whoever would start after the last merge would learn for nobody.
                case Train() if not self._over():
                    self._launch(step)
                case Alarm(seconds, lane, round_number):
                    self.clock.set(seconds, Rang(lane, round_number))
                case Merged():
                    await self._merged(step)
                    merges.append(step)
                case Discarded(client, number, reason):
                    self.tally.discarded += 1
                    self._settle(number, "discarded", client, reason)
                case Refused(client, number, reason):
                    self.tally.refused += 1
                    self._settle(number, "refused", client, reason)
                case Told(client, number):
                    # What it arrived as is no update after all.
                    self.tally.updates -= 1
                    self._settle(number, "told", client)
        return merges

    def _launch(self, train: Train) -> None:
        client, now = train.job.client, self.clock.now
        self.world.check_memory(client, train.work)
        download, upload = sizes(train)
        timing = self.world.timing(client, now, train.number, sum(download.values()), train.work)
        fate = Fate(timing.total) if self.pace.real else self.world.fate(client.id, train.number, now, timing)
        self.pending[train.number] = Pending(train, now, timing, fate, download, upload)
        self.journal.event(EventRow(now, "started", client.id, train.number, train.job.version))
        if not self.pace.real:
            self.clock.set(fate.seconds, Due(train.number))
        self._send(train, fate)

    def relaunch(self, pending: Iterable[tuple[int, Pending]]) -> None:
        """Take up the jobs of a checkpoint: same inputs, so same answers."""
        for number, job in pending:
            self.pending[number] = job
            self._send(job.train, job.fate)

    def _send(self, train: Train, fate: Fate) -> None:
        if fate.lost is None:
            due = Due(train.number)
            self._answers[train.number] = self.pace.expect(train.number, self.fleet.train(train), due)

    async def _merged(self, step: Merged) -> None:
        self.tally.merges += 1
        now = self.clock.now
        for number, staleness in zip(step.numbers, step.staleness, strict=True):
            self.tally.staleness += staleness
            self.journal.job(self.unsettled.pop(number)._replace(outcome="merged", staleness=staleness))
        worst = max(step.staleness)
        self.journal.event(
            EventRow(
                now, "merged", version=step.version, staleness=worst, lane=step.lane, detail=str(len(step.numbers))
            )
        )
        await self.evaluator.collect()
        every = self.evaluator.plan.every_merges
        if every is not None and step.version % every == 0:
            await self.evaluator.ask(now, step.version, self.server.state)

    def _settle(
        self, number: int, outcome: Literal["discarded", "refused", "told"], client: int, reason: str = ""
    ) -> None:
        self.journal.event(EventRow(self.clock.now, outcome, client, number, self.server.version, detail=reason))
        record = self.unsettled.pop(number, None)
        if record is not None:
            self.journal.job(record._replace(outcome=outcome))

    def _record(self, number: int, job: Pending, outcome: Outcome, seconds: float) -> JobRecord:
        client = job.train.job.client
        # On the wall clock the seconds are real and the timing is what the model of the device says of the job.
        timing = job.timing if self.pace.real else spent(job.timing, seconds)
        return JobRecord(
            number,
            client,
            job.train.job.version,
            job.start,
            job.start + seconds,
            outcome,
            timing,
            crossed(job.download, timing.download, job.timing.download),
            crossed(job.upload, timing.upload, job.timing.upload),
        )

    def _book(self, record: JobRecord) -> None:
        self.tally.download_bytes += sum(record.download.values())
        self.tally.upload_bytes += sum(record.upload.values())
        self.tally.joules += record.timing.joules
