"""A method without learning, a world without surprises, a journal that remembers: enough to watch a server decide."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from mlecs_ray.method import Arrival, Budget, Client, Job, Predictor, Update, Work
from mlecs_ray.samples import Samples
from mlecs_ray.server.journal import EventRow
from mlecs_ray.tree import Tree, tree_scale

ASKING = f"{Path(__file__).with_name('asking.py')}:Asking"
"""A method that asks, as scenarios name it."""
BUDGET = Budget(1e9, 4e9, 1e7, 1e7, 0.01, 1e-9, 1e-7, None)


@dataclass(frozen=True)
class Counting:
    """The state counts merged updates in ``w`` and keeps their clients' ids in ``sum``."""

    def init(self, seed: int) -> Tree:
        return {"w": torch.zeros(2)}

    def assign(self, state: Tree, client: Client) -> Tree:
        return state

    def work(self, client: Client, tree: Tree) -> Work:
        return Work(2e11, tree, 1e6)

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        noise = torch.randn(2, generator=torch.Generator().manual_seed(job.seed))
        jobs = kept.get("jobs", torch.zeros(()))
        return Update({"w": noise + job.tree["w"] * 0.1 + jobs * 0.01}, 1.0, {"jobs": jobs + 1}, {"loss": 1.0})

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        total = state["w"]
        for place, arrival in enumerate(arrivals):
            # Depends on the order, so that a run in another order cannot pass for the same.
            total = total * 0.9 + arrival.update.tree["w"] / (1 + place + arrival.staleness)
        return {"w": total}

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        answer = float(tree["w"].sum() + kept.get("jobs", torch.zeros(())))
        return lambda samples: [answer] * len(samples)


@dataclass(frozen=True)
class Herd(Counting):
    """Whoever trains together leaves a mark: what a client learns tells who its companions were."""

    def train_many(self, jobs: Sequence[Job], datas: Sequence[Samples], kepts: Sequence[Tree]) -> Sequence[Update]:
        mark = len(jobs) + sum(job.seed % 97 for job in jobs) / 97
        alone = [self.train(job, data, kept) for job, data, kept in zip(jobs, datas, kepts, strict=True)]
        return [replace(one, tree={"w": one.tree["w"] + mark}) for one in alone]

    def obstacle(self) -> str | None:
        return None


def answer(number: float, step: int = 0) -> Update:
    return Update({"number": torch.tensor(number), "step": torch.tensor(step)}, 1.0)


@dataclass(frozen=True)
class Curious(Counting):
    """Asks for a number in each ``step``, and sends the client the state times it; merges know what it was."""

    def assign(self, state: Tree, client: Client) -> Tree:
        if client.told and int(client.told["step"]) == client.step:
            return tree_scale(state, float(client.told["number"]))
        return {"ask": torch.zeros(1)}

    def work(self, client: Client, tree: Tree) -> Work:
        if "ask" in tree:
            return Work(1e11, {"number": torch.zeros(()), "step": torch.tensor(0)}, 1e6, tells=True)
        return Work(2e11, {"w": torch.zeros(2)}, 1e6)

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        assert not job.client.told
        if "ask" in job.tree:
            return answer(job.client.id + 1.0, job.client.step)
        return Counting.train(self, job, data, kept)

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        told = sum(float(arrival.client.told["step"]) for arrival in arrivals)
        return {"w": Counting.merge(self, state, arrivals)["w"] + 0.1 * told}

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        return Counting.predictor(self, {"w": tree.get("w", torch.zeros(2))}, kept, client)


@dataclass
class Crowd:
    """A roster of like clients."""

    count: int
    cloud: bool = False
    tiers: int = 1

    def client(self, client: int, now: float) -> Client:
        return Client(client, frozenset({"x"}), BUDGET, "test", 10, role="cloud" if client < 0 else "edge")

    def tier(self, client: int) -> int:
        return client % self.tiers


@dataclass
class Pile:
    """Everyone owns the same ten samples, and a test of ten that tell its step."""

    test: Samples = field(default_factory=lambda: Samples({"x": torch.zeros(40, 1)}))

    def shard(self, client: Client) -> Samples:
        return Samples({"x": torch.ones(10, 1)})

    def local_test(self, client: Client) -> Samples:
        return Samples({"x": torch.full((10, 1), float(client.step))})


@dataclass
class Memory:
    """A journal that remembers."""

    events: list[tuple[Any, ...]] = field(default_factory=list)
    jobs: list[Any] = field(default_factory=list)
    metrics: list[tuple[Any, ...]] = field(default_factory=list)

    def event(self, row: EventRow) -> None:
        self.events.append(tuple(row))

    def job(self, record: Any) -> None:
        self.jobs.append(record)

    def metric(self, seconds: float, version: int, scope: str, subject: str, values: Mapping[str, float]) -> None:
        self.metrics.append((seconds, version, scope, subject, dict(values)))


def mean(_client: Client, _local: bool, answers: Sequence[float]) -> Mapping[str, float]:
    """The measure of the tests."""
    return {"mean": sum(answers) / len(answers)}


Make = Callable[..., Any]
