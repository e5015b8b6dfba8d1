"""The event loop: order, evaluation, budgets and exact resume, with a method that learns nothing."""

import asyncio
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.method import Work
from mlecs_ray.server.core import Server
from mlecs_ray.server.engine import Engine, Limits
from mlecs_ray.server.evaluation import Evaluator, Judge, Plan
from mlecs_ray.server.rules import GuardRules
from mlecs_ray.server.schedule import Schedule
from mlecs_ray.server.snapshot import Snapshot, freeze, thaw
from mlecs_ray.sim.availability import Always, Availability, Markov
from mlecs_ray.sim.cohorts import Cohorts
from mlecs_ray.sim.faults import Faults
from mlecs_ray.sim.fleet import LocalFleet
from mlecs_ray.sim.masks import AllModalities
from mlecs_ray.sim.population import Population, draw_population
from mlecs_ray.sim.worker import Worker
from mlecs_ray.sim.world import World
from mlecs_ray.tree import tree_digest
from mlecs_ray.wire import pack, unpack
from tests.server.fakes import Counting, Herd, Memory, Pile, mean


def population(count: int, device: str = "phone-mid") -> Population:
    return draw_population(count, {device: 1.0}, np.full(count, 10), {}, 0)


class WorldRoster:
    """A world as the server's roster."""

    cloud = False

    def __init__(self, world: World) -> None:
        self._world = world
        self.count = world.count

    def client(self, client, now):
        return self._world.client(client, now)

    def tier(self, client):
        return 0


def make(count=6, seconds=3000.0, availability: Availability | None = None, faults: Faults | None = None, **fields):
    masks = AllModalities(("x",))
    world = World(population(count), masks, availability or Always(), faults=faults or Faults(), jitter=0.5, seed=3)
    method, journal, most = fields.pop("method", Counting()), Memory(), fields.pop("most", 1)
    fleet = LocalFleet(Worker(method, Pile()), Cohorts(lambda _: most))
    judges = (Judge("global", "model", world.client(0, 0.0)), Judge("personal", "1", world.client(1, 0.0)))
    plan = Plan(judges, mean, 40, every_merges=5)
    schedule = Schedule(**{"concurrency": 4, "buffer": 2, "selection": "random", **fields})
    server = Server(method, schedule, WorldRoster(world), 1, GuardRules(None))
    return Engine(server, world, fleet, journal, Evaluator(plan, method, fleet, journal), Limits(seconds))


async def drain(engine, until=None):
    async for merged in engine.run():
        if merged.version == until:
            return
    await engine.finish()


def test_the_same_seed_gives_the_same_log_and_the_same_weights():
    first, second = make(), make()
    asyncio.run(drain(first))
    asyncio.run(drain(second))
    assert first.journal.events == second.journal.events
    assert len(first.journal.events) > 50
    assert tree_digest(first.server.state) == tree_digest(second.server.state)
    assert first.journal.metrics == second.journal.metrics


def test_time_never_runs_backwards_and_every_job_ends_once():
    engine = make(availability=Markov(400.0, 200.0, 5), faults=Faults(dropout=0.2))
    asyncio.run(drain(engine))
    times = [event[0] for event in engine.journal.events]
    assert times == sorted(times)
    ended = [job.number for job in engine.journal.jobs]
    assert sorted(ended) == list(range(1, engine.server.started + 1))
    assert {"lost", "merged"} <= {job.outcome for job in engine.journal.jobs}


def test_a_lost_job_is_not_trained():
    trained = []

    class Watching(LocalFleet):
        def train(self, train):
            trained.append(train.number)
            return super().train(train)

    engine = make(faults=Faults(dropout=0.5))
    engine.fleet = engine.evaluator.fleet = Watching(Worker(Counting(), Pile()))
    asyncio.run(drain(engine))
    lost = {event[3] for event in engine.journal.events if event[1] == "lost"}
    assert lost
    assert not lost & set(trained)


def test_personal_evaluation_waits_for_something_kept():
    engine = make()
    asyncio.run(drain(engine))
    scopes = [(version, scope) for _, version, scope, *_ in engine.journal.metrics]
    assert (0, "global") in scopes
    assert (0, "personal") not in scopes
    assert (5, "personal") in scopes


def _through_json(snapshot: Snapshot) -> Snapshot:
    trees = {name: unpack(pack(tree)) for name, tree in snapshot.trees.items()}
    return Snapshot(json.loads(json.dumps(snapshot.facts)), trees)


def test_who_trains_together_leaves_its_mark_on_the_state():
    alone, herd, same = make(), make(method=Herd(), most=3), make(most=3)
    for engine in (alone, herd, same):
        asyncio.run(drain(engine))
    assert herd.journal.events == alone.journal.events
    assert tree_digest(herd.server.state) != tree_digest(alone.server.state)
    assert tree_digest(same.server.state) == tree_digest(alone.server.state)


@pytest.mark.parametrize("stop", [1, 4, 11])
@pytest.mark.parametrize(
    "extra",
    [
        {"selection": "fifo"},
        {"selection": "random"},
        {"selection": "availability"},
        {"selection": "utility"},
        {"most": 3},
        {"most": 2},
        {"most": 99},
    ],
    ids=str,
)
def test_a_run_frozen_and_thawed_ends_as_if_it_had_not_been(stop, extra):
    """With ``most``, cohorts under way are as they would have been, though some of them have landed already."""
    options = {"availability": Markov(400.0, 200.0, 5), "faults": Faults(dropout=0.1), "method": Herd(), **extra}
    whole = make(**options)
    asyncio.run(drain(whole))
    first = make(**options)

    async def part():
        await drain(first, until=stop)
        await first.evaluator.drain()
        return _through_json(freeze(first)), await first.fleet.kept(), await first.fleet.answers()

    snapshot, kept, answers = asyncio.run(part())
    second = make(**options)
    second.fleet.restore(kept, answers)
    thaw(second, snapshot)
    asyncio.run(drain(second))
    assert first.journal.events + second.journal.events == whole.journal.events
    assert first.journal.metrics + second.journal.metrics == whole.journal.metrics
    assert tree_digest(second.server.state) == tree_digest(whole.server.state)
    assert second.tally == whole.tally


def test_a_battery_that_is_empty_takes_its_client_offline_for_ever():
    engine = make(count=2, seconds=1e9, concurrency=2, buffer=1)
    engine.world.spent[:2] = engine.world._batteries[0] * 0.999
    asyncio.run(drain(engine))
    reasons = {event[7] for event in engine.journal.events if event[1] == "lost"}
    assert reasons == {"battery"}
    assert engine.world.opening() == [0, 1]
    assert [engine.world.state(client, 1e6)[0] for client in (0, 1)] == [False, False]


def test_a_job_that_does_not_fit_into_memory_is_refused_by_name():
    class Huge(Counting):
        def work(self, client, tree):
            return Work(1e9, tree, 1e12)

    with pytest.raises(InputError, match=r"needs 1e\+03 GB, device phone-mid of client"):
        asyncio.run(drain(make(method=Huge())))


def test_bytes_are_counted_from_the_payloads():
    """Two float32: 8 bytes down and 8 up for every merged job."""
    engine = make()
    asyncio.run(drain(engine))
    merged = [job for job in engine.journal.jobs if job.outcome == "merged"]
    assert {sum(job.download.values()) for job in merged} == {8}
    assert {sum(job.upload.values()) for job in merged} == {8}
    assert torch.isfinite(torch.tensor(engine.tally.joules))


@pytest.mark.parametrize("name", ["every_merges", "every_seconds"])
def test_an_evaluation_that_would_stop_time_is_refused(name):
    with pytest.raises(InputError, match="time would stand still"):
        Plan(**{name: 0})


def test_evaluations_by_the_clock_are_multiples_of_their_period_and_the_last_is_at_the_end():
    """0.1 + 0.1 + 0.1 is above 0.3."""
    engine = make(seconds=0.3)
    engine.evaluator.plan = replace(engine.evaluator.plan, every_merges=None, every_seconds=0.1)
    asyncio.run(drain(engine))
    assert [event[0] for event in engine.journal.events if event[1] == "evaluated"] == [0.0, 0.1, 0.2, 0.3]


def test_nobody_starts_after_the_last_merge():
    engine = make()
    engine.limits = Limits(3000.0, 5)
    asyncio.run(drain(engine))
    kinds = [event[1] for event in engine.journal.events]
    assert kinds.count("merged") == 5
    assert "started" not in kinds[len(kinds) - kinds[::-1].index("merged") :]
