"""The server as a state machine: it decides, and never waits."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from mlecs_ray import seeds
from mlecs_ray.errors import InputError
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
    Step,
    Told,
    Train,
)
from mlecs_ray.method import Arrival, Client, Job, Method, Update
from mlecs_ray.server.guard import Guard
from mlecs_ray.server.lanes import Flight, Lane, Waiting
from mlecs_ray.server.rules import GuardRules
from mlecs_ray.server.schedule import Schedule
from mlecs_ray.server.select import make_pool
from mlecs_ray.sim.population import CLOUD
from mlecs_ray.tree import Tree, normal


class Roster(Protocol):
    """What the server may look up about clients; a pure function of the scenario."""

    @property
    def count(self) -> int:
        """Edge clients are numbered 0..count-1."""

    @property
    def cloud(self) -> bool:
        """Whether the cloud trains too: one job after every edge merge, as client ``CLOUD``."""

    def client(self, client: int, now: float) -> Client:
        """This client as it is now: its modalities may vary with time."""

    def tier(self, client: int) -> int:
        """Which lane it belongs to, 0..tiers-1."""


class Server:
    """``handle`` is the only way its state changes; it holds no clock, no file, no Ray."""

    def __init__(
        self, method: Method, schedule: Schedule, roster: Roster, seed: int, rules: GuardRules | None = None
    ) -> None:
        self.method, self.schedule, self.roster, self.seed = method, schedule, roster, seed
        self.latest: tuple[int, Tree] = (0, normal(method.init(seeds.derive(seed, "init"))))
        """Version and state, always of one another."""
        self.started = 0
        self.flights: dict[int, Flight] = {}
        self.told: dict[int, Tree] = {}
        """What each client last told of itself, of those that were asked."""
        self.guard = Guard(rules or GuardRules())
        self.lanes = [
            Lane(i, make_pool(schedule.selection, roster.count, seeds.derive(seed, i, "pool")))
            for i in range(schedule.tiers)
        ]
        self.online = bytearray(roster.count)
        self.busy = bytearray(roster.count)
        self.cloud_waits = False
        self.edge_merges = 0
        """Merges without the cloud's own: nobody becomes late by what the cloud does for itself."""

    @property
    def version(self) -> int:
        """How many merges there have been."""
        return self.latest[0]

    @property
    def state(self) -> Tree:
        """What the last merge gave."""
        return self.latest[1]

    @property
    def idle(self) -> int:
        """Clients that could start now."""
        return sum(len(lane.pool) for lane in self.lanes)

    def informed(self, client: Client) -> Client:
        """With what it last told, which no other client is given."""
        told = self.told.get(client.id)
        return client if told is None else replace(client, told=told)

    def handle(self, now: float, event: Event) -> list[Step]:
        """Take one event in, give the steps it calls for, in order."""
        match event:
            case Online(clients):
                return self._welcome(now, clients)
            case Offline(client):
                self.online[client] = 0
                self._lane(client).pool.remove(client)
                return []
            case Lost(client, number):
                return self._lose(now, client, number)
            case Finished(client, number, update):
                return self._finish(now, client, number, update)
            case Rang(lane, round_number):
                return self._ring(now, self.lanes[lane], round_number)

    def _lane(self, client: int) -> Lane:
        return self.lanes[self.roster.tier(client)]

    def _welcome(self, now: float, clients: Sequence[int]) -> list[Step]:
        free: dict[int, list[int]] = {}
        for client in clients:
            self.online[client] = 1
            idle = free.setdefault(self.roster.tier(client), [])
            if not self.busy[client]:
                idle.append(client)
        for tier, idle in free.items():
            self.lanes[tier].pool.extend(idle)
        return [step for tier in sorted(free) for step in self._fill(now, self.lanes[tier])]

    def _lose(self, now: float, client: int, number: int) -> list[Step]:
        flight = self.flights.pop(number, None)
        if flight is None:
            return []
        lane = self._land(flight, now, None)
        return self._fill(now, lane) if lane else self._start_cloud(now)

    def _finish(self, now: float, client: int, number: int, update: Update) -> list[Step]:
        flight = self.flights.get(number)
        if flight is None or flight.train.job.client.id != client:
            return [Refused(client, number, "unknown or replayed job")]
        del self.flights[number]
        # Judged first: nobody is picked again for an update that was refused.
        work = flight.train.work
        objection = self.guard.objection(update, work.upload, answer=work.tells)
        if work.tells and not objection:
            return self._hear(now, flight, update)
        lane = self._land(flight, now, None if objection else _learned(flight, update))
        steps: list[Step] = [Refused(client, number, objection)] if objection else []
        if not objection:
            steps = self._take(flight, lane or self.lanes[0], update)
        return steps + (self._fill(now, lane) if lane else []) + self._start_cloud(now)

    def _land(self, flight: Flight, now: float, metrics: dict[str, float] | None) -> Lane | None:
        """Book the end of a job (``metrics`` None: lost or refused): its client is free. The cloud has no lane."""
        client = flight.train.job.client.id
        if client == CLOUD:
            return None
        lane = self.lanes[flight.lane]
        # First learn, then add: a pool ranks a client by what it knows at that moment.
        lane.pool.learn(client, now - flight.started, metrics)
        self._free(client, flight, lane)
        return lane

    def _free(self, client: int, flight: Flight, lane: Lane) -> None:
        if self._counts(lane, flight):
            lane.open -= 1
        self.busy[client] = 0
        if self.online[client]:
            lane.pool.add(client)

    def _hear(self, now: float, flight: Flight, update: Update) -> list[Step]:
        """Keep what a client tells of itself, and start its next job in the same place.

        Raises InputError where that job asks again, though nothing about the client has changed.
        """
        asked, lane = flight.train.job.client, self.lanes[flight.lane]
        self.told[asked.id] = normal(update.tree)
        told = Told(asked.id, flight.train.number)
        # The wall clock also brings answers of clients that have left since, as does a battery that is empty now.
        if asked.id != CLOUD and not (self.online[asked.id] and self._counts(lane, flight)):
            self._free(asked.id, flight, lane)
            return [told, *self._fill(now, lane)]
        train = self._start(now, asked.id, lane)
        if train.work.tells and train.job.client == asked:
            raise InputError(
                f"client {asked.id} has just told {sorted(update.tree)} and is asked again: assign must give it a job "
                "to learn from by Client.told, or the server asks for ever"
            )
        return [told, train]

    def _counts(self, lane: Lane, flight: Flight) -> bool:
        return not self.schedule.barrier or flight.round == lane.round

    def _take(self, flight: Flight, lane: Lane, update: Update) -> list[Step]:
        """Discard it, or put it to the next merge, and merge when that is due."""
        job = flight.train.job
        waiting = Waiting(flight.train.number, flight.edge_merges, job.client, update)
        if job.client.id == CLOUD:
            return [self._merge(lane.index, [waiting])]
        if not self._counts(lane, flight):
            return [Discarded(job.client.id, waiting.number, f"round {flight.round} had closed")]
        if self._stale(waiting):
            return [self._discard(waiting)]
        lane.buffer.append(waiting)
        return self._close(lane) if len(lane.buffer) == self.schedule.buffer else []

    def _staleness(self, waiting: Waiting) -> int:
        return self.edge_merges - waiting.edge_merges

    def _stale(self, waiting: Waiting) -> bool:
        limit = self.schedule.max_staleness
        return limit is not None and self._staleness(waiting) > limit

    def _discard(self, waiting: Waiting) -> Discarded:
        reason = f"staleness {self._staleness(waiting)} above {self.schedule.max_staleness}"
        return Discarded(waiting.client.id, waiting.number, reason)

    def _close(self, lane: Lane) -> list[Step]:
        """Merge what has arrived; a round ends with it. Other lanes may have merged while it waited."""
        waiting, lane.buffer = lane.buffer, []
        if self.schedule.barrier:
            lane.round += 1
            lane.open = 0
        steps: list[Step] = [self._discard(one) for one in waiting if self._stale(one)]
        fresh = [one for one in waiting if not self._stale(one)]
        if fresh:
            self.cloud_waits = self.roster.cloud
            steps.append(self._merge(lane.index, fresh))
            self.edge_merges += 1
        return steps

    def _merge(self, lane: int, waiting: list[Waiting]) -> Merged:
        arrivals = [Arrival(one.client, one.update, self._staleness(one)) for one in waiting]
        state = normal(self.method.merge(self.state, arrivals))
        # In one step, because another thread may ask for both.
        self.latest = self.version + 1, state
        numbers = tuple(one.number for one in waiting)
        return Merged(self.version, lane, numbers, tuple(arrival.staleness for arrival in arrivals))

    def _ring(self, now: float, lane: Lane, round_number: int) -> list[Step]:
        """A deadline: merge what is there. A round in which nobody answered gets as much time again."""
        if lane.round != round_number or self.schedule.deadline is None:
            return []
        if not lane.buffer:
            return [Alarm(self.schedule.deadline, lane.index, lane.round)]
        return [*self._close(lane), *self._fill(now, lane), *self._start_cloud(now)]

    def _fill(self, now: float, lane: Lane) -> list[Step]:
        """Start clients while the schedule allows it and someone is idle."""
        steps: list[Step] = []
        schedule = self.schedule
        places = schedule.cohort - len(lane.buffer) if schedule.barrier else schedule.concurrency
        while lane.open < places and (client := lane.pool.pick()) is not None:
            if schedule.deadline is not None and lane.round != lane.alarmed:
                lane.alarmed = lane.round
                steps.append(Alarm(schedule.deadline, lane.index, lane.round))
            lane.open += 1
            self.busy[client] = 1
            steps.append(self._start(now, client, lane))
        return steps

    def _start_cloud(self, now: float) -> list[Step]:
        if not self.cloud_waits or any(f.train.job.client.id == CLOUD for f in self.flights.values()):
            return []
        self.cloud_waits = False
        return [self._start(now, CLOUD, self.lanes[0])]

    def _start(self, now: float, client_id: int, lane: Lane) -> Train:
        self.started += 1
        client = self.informed(self.roster.client(client_id, now))
        tree = self.method.assign(self.state, client)
        job = Job(client, self.version, seeds.derive(self.seed, client_id, self.started, "train"), tree)
        train = Train(self.started, job, self.method.work(client, tree))
        self.flights[self.started] = Flight(train, lane.index, lane.round, now, self.edge_merges)
        return train


def _learned(flight: Flight, update: Update) -> dict[str, float]:
    """What a pool may rank by: a loss that is NaN or infinite would have no rank."""
    told = {name: value for name, value in update.metrics.items() if math.isfinite(value)}
    return {"samples": float(flight.train.job.client.samples), **told}
