"""A run frozen between two merges: everything that the rest of it depends on, as JSON and trees."""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from mlecs_ray.events import Rang, Train
from mlecs_ray.method import Budget, Client, Job, Update
from mlecs_ray.server.core import Server
from mlecs_ray.server.engine import Change, Due, Engine, Happening, Pending, Tick
from mlecs_ray.server.journal import JobRecord, Tally, sizes
from mlecs_ray.server.lanes import Flight, Waiting
from mlecs_ray.sim.world import Fate, Timing
from mlecs_ray.tree import Tree, leaves


@dataclass(frozen=True)
class Snapshot:
    """``facts`` are JSON values; ``trees`` hold tensors by name. What clients kept is the fleet's to save."""

    facts: Mapping[str, Any]
    trees: Mapping[str, Tree]


def freeze(engine: Engine) -> Snapshot:
    """Take the snapshot; call it between two merges, with no evaluation under way."""
    server = engine.server
    payloads = _Payloads()
    facts = {
        "now": engine.clock.now,
        "agenda": [(at, ticket, _pack_happening(event)) for at, ticket, event in engine.clock.entries()],
        "ticket": engine.clock.ticket,
        "tally": asdict(engine.tally),
        "last": engine.evaluator.last,
        "asked_version": engine.evaluator.asked_version,
        "pending": [_pack_pending(n, job, server.flights[n], payloads) for n, job in sorted(engine.pending.items())],
        "unsettled": [_pack_record(record) for _, record in sorted(engine.unsettled.items())],
        "server": _pack_server(server),
    }
    world = {name: torch.from_numpy(column) for name, column in engine.world.snapshot().items()}
    trees: dict[str, Tree] = {"state": server.state, "world": world}
    arrivals = {f"arrival/{one.number}": one.update.tree for lane in server.lanes for one in lane.buffer}
    return Snapshot(facts, {**trees, **payloads.trees, **arrivals, **_told(server)})


def thaw(engine: Engine, snapshot: Snapshot) -> None:
    """Put a freshly built engine where the snapshot was taken, and send its open jobs again."""
    facts, trees = snapshot.facts, snapshot.trees
    engine.opened = True
    engine.clock.restore(
        facts["now"], [(at, ticket, _unpack_happening(event)) for at, ticket, event in facts["agenda"]], facts["ticket"]
    )
    engine.tally = Tally(**facts["tally"])
    engine.evaluator.last = dict(facts["last"])
    engine.evaluator.asked_version = facts["asked_version"]
    engine.world.restore({k: v.numpy() for k, v in trees.get("world", {}).items()})
    engine.unsettled = {packed["number"]: _unpack_record(packed) for packed in facts["unsettled"]}
    _unpack_server(engine.server, facts["server"], trees)
    jobs: list[tuple[int, Pending]] = []
    for packed in facts["pending"]:
        job, flight = _unpack_pending(packed, engine.server, trees)
        engine.server.flights[job.train.number] = flight
        jobs.append((job.train.number, job))
    engine.relaunch(jobs)


def _told(server: Server) -> dict[str, Tree]:
    """What clients told last; and what those had told, before that, whose updates were assigned by it and wait.

    Clients in flight have told nothing since they were sent their jobs.
    """
    last = {f"told/{client}": tree for client, tree in server.told.items()}
    waiting = [one for lane in server.lanes for one in lane.buffer]
    then = {
        f"then/{one.number}": one.client.told
        for one in waiting
        if one.client.told is not server.told.get(one.client.id, one.client.told)
    }
    return {**last, **then}


class _Payloads:
    """Distinct payloads once each: jobs of one version share their tensors."""

    def __init__(self) -> None:
        self.trees: dict[str, Tree] = {}
        self._names: dict[tuple[tuple[str, int], ...], str] = {}

    def name(self, tree: Tree) -> str:
        key = tuple((path, id(leaf)) for path, leaf in leaves(tree))
        if key not in self._names:
            self._names[key] = f"payload/{len(self._names)}"
            self.trees[self._names[key]] = tree
        return self._names[key]


def _pack_happening(event: Happening) -> list[Any]:
    return [type(event).__name__, *event]


def _unpack_happening(packed: list[Any]) -> Happening:
    kinds: dict[str, Any] = {"Change": Change, "Due": Due, "Rang": Rang, "Tick": Tick}
    happening: Happening = kinds[packed[0]](*packed[1:])
    return happening


def _pack_client(client: Client) -> dict[str, Any]:
    """Without what it told, which the snapshot has as trees."""
    facts = asdict(replace(client, told={}) if client.told else client)
    return {**{name: value for name, value in facts.items() if name != "told"}, "modalities": sorted(client.modalities)}


def _unpack_client(packed: Mapping[str, Any]) -> Client:
    return Client(**{**packed, "modalities": frozenset(packed["modalities"]), "budget": Budget(**packed["budget"])})


def _pack_pending(number: int, job: Pending, flight: Flight, payloads: _Payloads) -> dict[str, Any]:
    sent = job.train.job
    return {
        "number": number,
        "client": _pack_client(sent.client),
        "version": sent.version,
        "seed": sent.seed,
        "payload": payloads.name(sent.tree),
        "start": job.start,
        "timing": asdict(job.timing),
        "fate": job.fate._asdict(),
        "lane": flight.lane,
        "round": flight.round,
        "edge_merges": flight.edge_merges,
    }


def _unpack_pending(packed: Mapping[str, Any], server: Server, trees: Mapping[str, Tree]) -> tuple[Pending, Flight]:
    client = server.informed(_unpack_client(packed["client"]))
    tree = trees[packed["payload"]]
    job = Job(client, packed["version"], packed["seed"], tree)
    train = Train(packed["number"], job, server.method.work(client, tree))
    timing, fate = Timing(**packed["timing"]), Fate(**packed["fate"])
    pending = Pending(train, packed["start"], timing, fate, *sizes(train))
    return pending, Flight(train, packed["lane"], packed["round"], packed["start"], packed["edge_merges"])


def _pack_record(record: JobRecord) -> dict[str, Any]:
    return {**record._asdict(), "client": _pack_client(record.client), "timing": asdict(record.timing)}


def _unpack_record(packed: Mapping[str, Any]) -> JobRecord:
    return JobRecord(**{**packed, "client": _unpack_client(packed["client"]), "timing": Timing(**packed["timing"])})


def _pack_bits(bits: bytearray) -> str:
    return b64encode(zlib.compress(bytes(bits))).decode()


def _unpack_bits(packed: str) -> bytearray:
    return bytearray(zlib.decompress(b64decode(packed)))


def _pack_server(server: Server) -> dict[str, Any]:
    return {
        "version": server.version,
        "started": server.started,
        "cloud_waits": server.cloud_waits,
        "edge_merges": server.edge_merges,
        "online": _pack_bits(server.online),
        "busy": _pack_bits(server.busy),
        "guard": server.guard.freeze(),
        "told": sorted(server.told),
        "lanes": [
            {
                "pool": lane.pool.freeze(),
                "round": lane.round,
                "open": lane.open,
                "alarmed": lane.alarmed,
                "buffer": [_pack_waiting(waiting) for waiting in lane.buffer],
            }
            for lane in server.lanes
        ],
    }


def _unpack_server(server: Server, packed: Mapping[str, Any], trees: Mapping[str, Tree]) -> None:
    server.latest = packed["version"], trees["state"]
    server.started = packed["started"]
    server.cloud_waits = packed["cloud_waits"]
    server.edge_merges = packed["edge_merges"]
    server.online, server.busy = _unpack_bits(packed["online"]), _unpack_bits(packed["busy"])
    server.guard.thaw(packed["guard"])
    server.flights = {}
    # A checkpoint from before clients were asked says nothing of it.
    server.told = {client: trees[f"told/{client}"] for client in packed.get("told", ())}
    for lane, frozen in zip(server.lanes, packed["lanes"], strict=True):
        lane.pool.thaw(frozen["pool"])
        lane.round, lane.open, lane.alarmed = frozen["round"], frozen["open"], frozen["alarmed"]
        lane.buffer = [_unpack_waiting(waiting, server, trees) for waiting in frozen["buffer"]]


def _pack_waiting(waiting: Waiting) -> dict[str, Any]:
    return {
        "number": waiting.number,
        "edge_merges": waiting.edge_merges,
        "client": _pack_client(waiting.client),
        "weight": waiting.update.weight,
        "metrics": dict(waiting.update.metrics),
    }


def _unpack_waiting(packed: Mapping[str, Any], server: Server, trees: Mapping[str, Tree]) -> Waiting:
    update = Update(trees[f"arrival/{packed['number']}"], packed["weight"], {}, packed["metrics"])
    client = server.informed(_unpack_client(packed["client"]))
    if (then := trees.get(f"then/{packed['number']}")) is not None:
        client = replace(client, told=then)
    return Waiting(packed["number"], packed["edge_merges"], client, update)
