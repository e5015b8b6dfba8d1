"""A job gives the same answer wherever it is done, and whatever was done before it."""

from dataclasses import dataclass, field, replace
from typing import Any

import torch

from mlecs_ray.method import Client, Job, Predictor, Update
from mlecs_ray.samples import Samples
from mlecs_ray.sim.worker import CHUNK, Worker, chunks
from mlecs_ray.tree import Tree, leaves
from mlecs_ray.wire import pack, unpack
from tests.server.fakes import BUDGET, Counting, Pile

CLIENT = Client(3, frozenset(("x",)), BUDGET, "edge", 10, "")


@dataclass(frozen=True)
class Curious(Counting):
    """Writes down what it is given, and draws from torch's own generator."""

    seen: list[Any] = field(default_factory=list)

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        self.seen.append((dict(job.tree), dict(kept), data))
        return Update({"b": {}, "a": torch.rand(1)}, torch.tensor(2.0), {"none": {}}, {"loss": torch.tensor(0.5)})  # type: ignore[arg-type,dict-item]  # as a careless method would

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        return lambda samples: [(sorted(samples.inputs), float(torch.rand(()))) for _ in range(len(samples))]


def job(seed: int = 5) -> Job:
    return Job(CLIENT, 0, seed, {"w": torch.ones(2), "empty": {}, "a": {"z": torch.zeros(1), "b": torch.zeros(1)}})


def test_a_job_does_not_depend_on_what_was_done_before() -> None:
    worker = Worker(Curious(), Pile())
    first = worker.train(job(), {})
    worker.train(job(6), {})
    torch.rand(7)
    assert torch.equal(worker.train(job(), {}).tree["a"], first.tree["a"])


def test_a_method_sees_trees_as_the_wire_gives_them() -> None:
    method = Curious()
    worker, sent = Worker(method, Pile()), job()
    worker.train(sent, {"old": {}})
    worker.train(replace(sent, tree=unpack(pack(sent.tree))), unpack(pack({"old": {}})))
    here, there = method.seen
    assert [path for path, _ in leaves(here[0])] == [path for path, _ in leaves(there[0])] == ["a/b", "a/z", "w"]
    assert list(here[0]) == list(there[0]) == ["a", "w"]
    assert here[1] == there[1] == {}


def test_what_comes_back_is_plain() -> None:
    update = Worker(Curious(), Pile()).train(job(), {})
    assert (list(update.tree), update.kept) == (["a"], {})
    assert (type(update.weight), update.weight) == (float, 2.0)
    assert (type(update.metrics["loss"]), update.metrics) == (float, {"loss": 0.5})


def test_a_client_answers_through_its_own_modalities_the_same_each_time() -> None:
    pile = Pile(Samples({"x": torch.zeros(40, 1), "y": torch.zeros(40, 1)}))
    worker = Worker(Curious(), pile)
    first = worker.predict(CLIENT, {}, {}, range(8))
    assert {tuple(names) for names, _ in first} == {("x",)}
    worker.predict(CLIENT, {}, {}, range(8, 16))
    assert worker.predict(CLIENT, {}, {}, range(8)) == first


def test_rows_come_in_chunks_of_one_size() -> None:
    assert chunks(2 * CHUNK + 1) == [range(CHUNK), range(CHUNK, 2 * CHUNK), range(2 * CHUNK, 2 * CHUNK + 1)]
    assert chunks(0) == []
