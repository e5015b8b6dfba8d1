"""The fleet on Ray: many clients on as many actors as the machines can carry."""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from actors.calls import Call
from actors.client import Answers, EdgeClient, Vitals
from actors.cost import FleetCost, Traffic
from actors.lane import Lane
from actors.outbox import Errand, Outbox
from actors.parcel import NOTHING, opened, shared
from actors.training import Training
from mlecs_ray.errors import InputError
from mlecs_ray.events import Train
from mlecs_ray.method import Update
from mlecs_ray.sim.cohorts import Cohort, Cohorts
from mlecs_ray.sim.fleet import Probe, untold
from mlecs_ray.sim.worker import Worker, chunks
from mlecs_ray.tree import Tree, leaves
from mlecs_ray.wire import Packed, pack

_Key = tuple[tuple[str, int], ...]
SHARED = 32
"""Payloads of one version that stay in the object store for the next job that wants them."""


class RayFleet:
    """Hands jobs to the actors, many small ones or one cohort in a call. Actor deaths cost time and change nothing."""

    def __init__(
        self,
        make_worker: Callable[[], Worker],
        options: Sequence[Mapping[str, Any]],
        per_actor: int | None,
        cohorts: Cohorts | None = None,
    ):
        """One actor per element of ``options``; ``per_actor`` clients in a row on each, None: whoever is free."""
        self._began = time.monotonic()
        self._make_worker, self._options, self._per_actor = make_worker, options, per_actor
        self.actors = [self._spawn(index) for index in range(len(options))]
        self.replaced = 0
        self.traffic = Traffic()
        self.cost: FleetCost | None = None
        """Known once the fleet is closed."""
        self._startup_seconds = 0.0
        self._kept: dict[int, Any] = {}
        self._fresh: dict[int, Any] = {}
        self._lanes = [Lane() for _ in options]
        self._near = [False for _ in options]
        """Whether an actor is on this machine."""
        self._version = -1
        self._payloads: OrderedDict[_Key, tuple[Tree, Any]] = OrderedDict()
        """Of the newest version alone: no later job is sent an older one."""
        self._cohorts, self._outbox = cohorts or Cohorts(), Outbox(len(options))
        self._errands: dict[int, Errand] = {}
        """Of jobs that were not sent yet."""
        self._calls: dict[int, Training] = {}
        """Of jobs that were sent and not awaited yet."""
        self._updates: dict[int, tuple[Update, Any]] = {}
        """Of jobs that have answered and were not awaited yet, with what their clients keep."""

    def _spawn(self, index: int) -> Any:
        return EdgeClient.options(**self._options[index]).remote(self._make_worker)

    async def ready(self) -> None:
        """Wait until every actor has loaded what it needs; raises InputError for what one lacks on its machine."""
        try:
            vitals = await self._vitals()
        except RayTaskError as error:
            if isinstance(error.cause, InputError):
                raise error.cause from None
            raise
        self._startup_seconds = time.monotonic() - self._began
        here = ray.get_runtime_context().get_node_id()
        self._near = [its.node == here for its in vitals]
        for lane, its, near in zip(self._lanes, vitals, self._near, strict=True):
            lane.door = its.door if near else None

    async def _vitals(self) -> list[Vitals]:
        return list(await asyncio.gather(*(actor.vitals.remote() for actor in self.actors)))

    def share(self, packed: Packed) -> Any:
        """As an object of the store where it is large."""
        packed = shared(packed)
        if isinstance(packed, bytes):
            return packed
        self.traffic.puts += 1
        self.traffic.put_bytes += len(packed)
        return ray.put(packed)

    def _payload(self, tree: Tree) -> Any:
        """One object per distinct payload: jobs that are sent the same tensors share it."""
        key = _key(tree)
        if key not in self._payloads:
            # The tree is held as long as its key, so that no other tensor can take one of its ids.
            self._payloads[key] = (tree, self.share(pack(tree)))
            if len(self._payloads) > SHARED:
                self._payloads.popitem(last=False)
        self._payloads.move_to_end(key)
        return self._payloads[key][1]

    def train(self, train: Train) -> Awaitable[Update]:
        if train.number not in self._updates:
            self._take_up(train)
        return _Answer(self, train.number)

    def _take_up(self, train: Train) -> None:
        job = train.job
        if job.version != self._version:
            self._version = job.version
            self._forget_all_but(_key(job.tree))
        kept = self._kept.get(job.client.id, NOTHING)
        self._errands[train.number] = Errand(self._payload(job.tree), kept)
        if cohort := self._cohorts.add(train):
            self._outbox.add(cohort)
            if self._outbox.full:
                self._send()

    def _forget_all_but(self, key: _Key) -> None:
        """An evaluation may have put the newest version already."""
        newest = self._payloads.pop(key, None)
        self._payloads.clear()
        if newest is not None:
            self._payloads[key] = newest

    def _send(self) -> None:
        for host, cohorts in self._outbox.take([self._own_host(cohort) for cohort in self._outbox.ready]).items():
            training = Training(self, host, cohorts, self._errands)
            for number in training.numbers:
                self._calls[number] = training
                del self._errands[number]

    def _own_host(self, cohort: Cohort) -> int | None:
        """A dedicated actor's clients are its own; others go to whoever has least to do."""
        client = cohort[0].job.client.id
        return None if self._per_actor is None or client < 0 else client // self._per_actor

    async def answer(self, number: int) -> Update:
        """The update of this job, which is sent now if it was not."""
        if number in self._errands:
            for cohort in self._cohorts.close():
                self._outbox.add(cohort)
            self._send()
        if number not in self._updates:
            await self._land(self._calls[number])
        update, kept = self._updates.pop(number)
        if kept is not None:
            self._fresh[number] = kept
        return update

    async def _land(self, training: Training) -> None:
        landed = await training.landed()
        for number, update in landed.items():
            if self._calls.pop(number, None):
                self._updates[number] = update

    def by_lane(self, host: int, call: Any) -> "asyncio.Future[Any] | None":
        """Send it on the actor's lane: what will come back, None where it broke. None at once if it cannot be sent."""
        return self._lanes[host].send(call)

    def answered(self, host: int, work: float, answers: Answers) -> None:
        """Book what a call has brought."""
        if self._near[host]:
            self._lanes[host].door = answers.door
        self._outbox.answered(host, work, answers.seconds)
        self.traffic.answers += len(answers.weights)
        self.traffic.answer_bytes += len(answers.trees)

    def replace(self, host: int, dead: Any) -> None:
        """Ray restarts an actor that died; one that was killed for good gets a successor, once."""
        if self.actors[host] is dead:
            self.replaced += 1
            self.actors[host] = self._spawn(host)

    def commit(self, client: int, number: int) -> None:
        if (fresh := self._fresh.pop(number, None)) is not None:
            self._kept[client] = fresh

    def keepers(self) -> frozenset[int]:
        return frozenset(self._kept)

    def predict(self, probe: Probe) -> Awaitable[list[Any]]:
        kept = self._kept.get(probe.client.id, NOTHING) if probe.personal else NOTHING
        payload, asked = self._payload(probe.tree), replace(probe, client=untold(probe.client))
        parts = [
            Call(self, place % len(self.actors), _prediction(asked, payload, kept, rows))
            for place, rows in enumerate(chunks(probe.rows))
        ]
        return self._answers(parts)

    async def _answers(self, parts: list[Call]) -> list[Any]:
        return [answer for part in parts for answer in (await part.landed())[0]]

    async def kept(self) -> Mapping[int, Tree]:
        packed = {client: await _fetched(state) for client, state in self._kept.items()}
        return {client: opened(state) for client, state in packed.items() if len(state)}

    async def answers(self) -> Mapping[int, Update]:
        for training in dict.fromkeys(call for call in self._calls.values() if call.together):
            await self._land(training)
        return {
            number: replace(update, kept=opened(await _fetched(kept)) if kept is not None else {})
            for number, (update, kept) in self._updates.items()
        }

    def restore(self, kept: Mapping[int, Tree], answers: Mapping[int, Update]) -> None:
        self._kept = {client: self.share(pack(state)) for client, state in kept.items()}
        self._updates = {
            number: (replace(update, kept={}), self.share(pack(update.kept)) if update.kept else None)
            for number, update in answers.items()
        }

    async def close(self) -> None:
        with contextlib.suppress(RayError):
            memory = [vitals.pss_bytes for vitals in await self._vitals()]
            self.cost = FleetCost(len(self.actors), self._startup_seconds, memory, self.replaced, self.traffic)
        for lane, actor in zip(self._lanes, self.actors, strict=True):
            lane.close()
            ray.kill(actor)


async def _fetched(packed: Any) -> Packed:
    """What was packed, wherever it is."""
    return packed if isinstance(packed, bytes) else await packed


def _key(tree: Tree) -> _Key:
    """The same tensors, whatever mapping they lie in."""
    return tuple((path, id(leaf)) for path, leaf in leaves(tree))


def _prediction(probe: Probe, payload: Any, kept: Any, rows: range) -> Callable[[Any], Any]:
    return lambda actor: actor.predict.remote(probe.client, payload, kept, rows, probe.local)


class _Answer:
    """The update of a job that is under way."""

    def __init__(self, fleet: RayFleet, number: int) -> None:
        self._fleet, self._number = fleet, number

    def __await__(self) -> Generator[Any, None, Update]:
        return self._fleet.answer(self._number).__await__()
