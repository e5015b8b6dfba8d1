"""What a client keeps is its own once its job has ended in the virtual world, and not before."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import torch

from mlecs_ray.events import Train
from mlecs_ray.method import Client, Job, Predictor, Update, Work
from mlecs_ray.samples import Samples
from mlecs_ray.sim.fleet import LocalFleet, Probe
from mlecs_ray.sim.worker import Worker
from mlecs_ray.tree import Tree
from tests.server.fakes import BUDGET, Counting, Pile


@dataclass(frozen=True)
class Diary(Counting):
    """Each client counts its jobs, and answers with that count."""

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        done = kept.get("done", torch.zeros(())) + 1
        return Update({}, 1.0, {"done": done}, {"done": float(done)})

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        return lambda samples: [float(kept.get("done", torch.zeros(())))] * len(samples)


def client(number: int) -> Client:
    return Client(number, frozenset(("x",)), BUDGET, "edge", 10, "")


def train(number: int, of: int = 0) -> Train:
    return Train(number, Job(client(of), 0, number, {}), Work(1.0, {}, 1.0))


def jobs_done(fleet: LocalFleet, number: int, of: int = 0) -> float:
    async def answer() -> Update:
        return await fleet.train(train(number, of))

    return asyncio.run(answer()).metrics["done"]


def answers(fleet: LocalFleet, personal: bool) -> list[Any]:
    async def answer() -> list[Any]:
        return await fleet.predict(Probe(client(0), {}, 3, personal))

    return asyncio.run(answer())


def test_what_is_kept_counts_from_the_commit_on() -> None:
    fleet = LocalFleet(Worker(Diary(), Pile()))
    assert jobs_done(fleet, 1) == 1.0
    assert jobs_done(fleet, 2) == 1.0
    assert fleet.keepers() == frozenset()
    fleet.commit(0, 2)
    assert fleet.keepers() == {0}
    assert jobs_done(fleet, 3) == 2.0


def test_clients_keep_for_themselves() -> None:
    fleet = LocalFleet(Worker(Diary(), Pile()))
    jobs_done(fleet, 1)
    fleet.commit(0, 1)
    assert jobs_done(fleet, 2, of=1) == 1.0


def test_only_a_personal_probe_meets_what_was_kept() -> None:
    fleet = LocalFleet(Worker(Diary(), Pile()))
    jobs_done(fleet, 1)
    fleet.commit(0, 1)
    assert answers(fleet, personal=True) == [1.0] * 3
    assert answers(fleet, personal=False) == [0.0] * 3


def test_what_a_client_told_is_not_sent_back_to_it() -> None:
    told: list[object] = []

    class Watching(Diary):
        def train(self, job: Job, data: Samples, kept: Tree) -> Update:
            told.append(job.client.told)
            return super().train(job, data, kept)

        def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
            told.append(client.told)
            return super().predictor(tree, kept, client)

    fleet, one = LocalFleet(Worker(Watching(), Pile())), replace(client(0), told={"w": torch.ones(2)})

    async def both() -> None:
        await fleet.train(Train(1, Job(one, 0, 1, {}), Work(1.0, {}, 1.0)))
        await fleet.predict(Probe(one, {}, 3))

    asyncio.run(both())
    assert told == [{}, {}]


def test_a_local_probe_reads_the_clients_own_test() -> None:
    """It tells the step."""

    class Reading(Diary):
        def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
            return lambda samples: samples.inputs["x"][:, 0].tolist()

    fleet, later = LocalFleet(Worker(Reading(), Pile())), replace(client(0), step=7)

    async def answered() -> list[list[Any]]:
        return [await fleet.predict(Probe(later, {}, 2, local=local)) for local in (True, False)]

    assert asyncio.run(answered()) == [[7.0, 7.0], [0.0, 0.0]]


def test_another_fleet_takes_up_what_was_kept() -> None:
    fleet, other = LocalFleet(Worker(Diary(), Pile())), LocalFleet(Worker(Diary(), Pile()))
    jobs_done(fleet, 1)
    fleet.commit(0, 1)
    other.restore(asyncio.run(fleet.kept()), {})
    assert jobs_done(other, 2) == 2.0
