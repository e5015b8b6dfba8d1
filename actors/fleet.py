"""The fleet on Ray: many clients on as many actors as the machines can carry."""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from actors.client import Answer, EdgeClient, Order, Vitals
from actors.cost import FleetCost
from mlecs_ray.errors import InputError
from mlecs_ray.events import Train
from mlecs_ray.method import Client, Update
from mlecs_ray.sim.fleet import Probe
from mlecs_ray.sim.worker import Worker, chunks
from mlecs_ray.tree import Tree, leaves
from mlecs_ray.wire import pack, unpack

SHARED = 32
"""Payloads of one version that stay in the object store for the next job that wants them."""
RETRIES = 3
"""How often a job is sent again after its actor is gone for good."""


class RayFleet:
    """Hands each job to the actor that hosts its client. Actor deaths cost time and change nothing."""

    def __init__(self, make_worker: Callable[[], Worker], options: Sequence[Mapping[str, Any]], per_actor: int | None):
        """One actor per element of ``options``; ``per_actor`` clients in a row on each, None: dealt round."""
        self._began = time.monotonic()
        self._make_worker, self._options, self._per_actor = make_worker, options, per_actor
        self.actors = [self._spawn(index) for index in range(len(options))]
        self.replaced = 0
        self.cost: FleetCost | None = None
        """Known once the fleet is closed."""
        self._startup_seconds = 0.0
        self._nothing = ray.put(b"")
        self._kept: dict[int, Any] = {}
        self._fresh: dict[int, Any] = {}
        self._version = -1
        self._payloads: OrderedDict[tuple[tuple[str, int], ...], tuple[Tree, Any]] = OrderedDict()
        """Of the newest version alone: no later job is sent an older one."""

    def _spawn(self, index: int) -> Any:
        return EdgeClient.options(**self._options[index]).remote(self._make_worker)

    async def ready(self) -> None:
        """Wait until every actor has loaded what it needs; raises InputError for what one lacks on its machine."""
        try:
            await self._vitals()
        except RayTaskError as error:
            if isinstance(error.cause, InputError):
                raise error.cause from None
            raise
        self._startup_seconds = time.monotonic() - self._began

    async def _vitals(self) -> list[Vitals]:
        return list(await asyncio.gather(*(actor.vitals.remote() for actor in self.actors)))

    def _host(self, client: int) -> int:
        if client < 0 or self._per_actor is None:
            return client % len(self.actors)
        return client // self._per_actor

    def _payload(self, tree: Tree) -> Any:
        """One object per distinct payload: jobs that are sent the same tensors share it."""
        key = tuple((path, id(leaf)) for path, leaf in leaves(tree))
        if key not in self._payloads:
            # The tree is held as long as its key, so that no other tensor can take one of its ids.
            self._payloads[key] = (tree, ray.put(pack(tree)))
            if len(self._payloads) > SHARED:
                self._payloads.popitem(last=False)
        self._payloads.move_to_end(key)
        return self._payloads[key][1]

    def train(self, train: Train) -> Awaitable[Update]:
        job = train.job
        if job.version != self._version:
            self._version = job.version
            self._payloads.clear()
        order = Order(job.client, job.version, job.seed)
        args = (order, self._payload(job.tree), self._kept.get(job.client.id, self._nothing))
        call = _Call(self, self._host(job.client.id), lambda actor: actor.train.remote(*args))
        return _Answer(self, train.number, call)

    def replace(self, host: int, dead: Any) -> None:
        """Ray restarts an actor that died; one that was killed for good gets a successor, once."""
        if self.actors[host] is dead:
            self.replaced += 1
            self.actors[host] = self._spawn(host)

    def keep(self, number: int, kept: Any) -> None:
        """Hold what the client of job ``number`` keeps until the job is committed."""
        self._fresh[number] = kept

    def commit(self, client: int, number: int) -> None:
        if (fresh := self._fresh.pop(number, None)) is not None:
            self._kept[client] = fresh

    def keepers(self) -> frozenset[int]:
        return frozenset(self._kept)

    def predict(self, probe: Probe) -> Awaitable[list[Any]]:
        kept = self._kept.get(probe.client.id, self._nothing) if probe.personal else self._nothing
        payload = self._payload(probe.tree)
        parts = [
            _Call(self, place % len(self.actors), _prediction(probe.client, payload, kept, rows))
            for place, rows in enumerate(chunks(probe.rows))
        ]
        return self._answers(parts)

    async def _answers(self, parts: "list[_Call]") -> list[Any]:
        return [answer for part in parts for answer in await (await part.landed())]

    async def kept(self) -> Mapping[int, Tree]:
        packed = await asyncio.gather(*self._kept.values())
        return {client: unpack(state) for client, state in zip(self._kept, packed, strict=True) if state}

    def restore(self, kept: Mapping[int, Tree]) -> None:
        self._kept = {client: ray.put(pack(state)) for client, state in kept.items()}

    async def close(self) -> None:
        with contextlib.suppress(RayError):
            memory = [vitals.pss_bytes for vitals in await self._vitals()]
            self.cost = FleetCost(len(self.actors), self._startup_seconds, memory, self.replaced)
        for actor in self.actors:
            ray.kill(actor)


class _Call:
    """A call to an actor, begun when this was made, and begun again on its successor if the actor is lost for good."""

    def __init__(self, fleet: RayFleet, host: int, send: Callable[[Any], Any]) -> None:
        self._fleet, self._host, self._send = fleet, host, send
        self._begin()

    def _begin(self) -> None:
        self._actor = self._fleet.actors[self._host]
        self._refs = self._send(self._actor)

    async def landed(self) -> Any:
        """What the call returned: references, the first of which is there."""
        for _ in range(RETRIES):
            try:
                await (self._refs[0] if isinstance(self._refs, list) else self._refs)
                return self._refs
            except RayActorError:
                self._fleet.replace(self._host, self._actor)
                self._begin()
        return self._refs


def _prediction(client: Client, payload: Any, kept: Any, rows: range) -> Callable[[Any], Any]:
    return lambda actor: actor.predict.remote(client, payload, kept, rows)


class _Answer:
    """The update of a job that is under way."""

    def __init__(self, fleet: RayFleet, number: int, call: _Call) -> None:
        self._fleet, self._number, self._call = fleet, number, call

    def __await__(self) -> Generator[Any, None, Update]:
        return self._wait().__await__()

    async def _wait(self) -> Update:
        reference, kept = await self._call.landed()
        answer: Answer = await reference
        if answer.keeps:
            self._fleet.keep(self._number, kept)
        return Update(unpack(answer.tree), answer.weight, {}, answer.metrics)
