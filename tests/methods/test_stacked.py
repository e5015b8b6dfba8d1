"""A cohort learns what its clients learn one by one: ``fit`` is the readable twin that every case is held to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client, Job, Update, cohort_obstacle, train_together
from mlecs_ray.methods.fedasync import FedAsync
from mlecs_ray.methods.fedat import FedAT
from mlecs_ray.methods.fedavg import FedAvg
from mlecs_ray.methods.fedbuff import FedBuff
from mlecs_ray.methods.fedopt import FedOpt
from mlecs_ray.methods.fedprox import FedProx
from mlecs_ray.methods.local import LocalTraining, batches, fit, steps_of
from mlecs_ray.methods.mlecs.mma import MMA
from mlecs_ray.methods.optimizers import SGD, AdamW
from mlecs_ray.methods.stacked import fit_many, plan
from mlecs_ray.samples import Samples
from mlecs_ray.stacks import rows_of
from mlecs_ray.tree import Tree, leaves, tree_digest, tree_map
from tests.methods.toy import LeastSquares, client, fedavg, points, predict

FEATURES = 5
SIZES = (7, 40, 12, 23)
"""Samples by client: unequal, not in order, and no multiple of the batch."""


@dataclass(frozen=True)
class Noisy(LeastSquares):
    """Least squares through a tanh and dropout, as one client and as many."""

    features: int = FEATURES

    def loss(self, params: Tree, batch: Samples, client: Client) -> Tensor:
        out = F.dropout(torch.tanh(predict(params, batch)), 0.3)
        return 0.5 * (out - batch.inputs["y"]).square().mean()

    def losses(self, params: Tree, batch: Samples, real: Tensor, client: Client, draws: Sequence[Generator]) -> Tensor:
        k, b = real.shape
        x, y = batch.inputs["x"].view(k, b, -1), batch.inputs["y"].view(k, b)
        masks = torch.ones(k, b)
        for row, mine, draw in zip(masks, real, draws, strict=True):
            row[: mine.sum()] = torch.empty(int(mine.sum())).bernoulli_(0.7, generator=draw) / 0.7
        out = torch.tanh(torch.einsum("kbf,kf->kb", x, params["x"]["w"])) * masks
        return 0.5 * ((out - y).square() * real).sum(1) / real.sum(1)


TASK = Noisy()


def data(samples: int, seed: int) -> Samples:
    rng = torch.Generator().manual_seed(seed)
    x = torch.randn(samples, FEATURES, generator=rng)
    return Samples({"x": x, "y": x.sum(1) + torch.randn(samples, generator=rng)})


def cohort(sizes: Sequence[int] = SIZES) -> tuple[list[Job], list[Samples]]:
    """Clients of different versions: each was sent other weights."""
    jobs = [
        Job(client(i, samples=n), i, 100 + i, {"x": {"w": torch.full((FEATURES,), 0.1 * i)}})
        for i, n in enumerate(sizes)
    ]
    return jobs, [data(n, i) for i, n in enumerate(sizes)]


def close(one: Tree, other: Tree) -> bool:
    pairs = zip(leaves(one), leaves(other), strict=True)
    return all(p == q and torch.allclose(a, b, rtol=1e-5, atol=1e-7) for (p, a), (q, b) in pairs)


@pytest.mark.parametrize("optimizer", [SGD(0.1), SGD(0.05, 0.9, 0.01), AdamW(0.02)], ids=["sgd", "momentum", "adamw"])
@pytest.mark.parametrize(
    "limits", [{}, {"clip": 0.3}, {"steps": 5}, {"anneal": True}], ids=["free", "clipped", "five-steps", "annealed"]
)
def test_each_client_learns_what_it_learns_alone(optimizer, limits):
    local = LocalTraining(optimizer, batch=8, epochs=4, **limits)
    jobs, datas = cohort()
    together = fit_many(TASK, local, jobs, datas)
    assert max(steps_of(local, n) for n in SIZES) == (20 if "steps" not in limits else 5)
    for job, its, params, loss in zip(jobs, datas, rows_of(together.params), together.losses, strict=True):
        alone = fit(TASK, local, job, its)
        assert close(params, alone.params)
        assert loss == pytest.approx(alone.loss, rel=1e-5)


def test_what_was_sent_comes_back_in_the_order_of_the_jobs():
    jobs, datas = cohort()
    sent = rows_of(fit_many(TASK, LocalTraining(SGD(0.1), batch=8), jobs, datas).sent)
    assert [tree_digest(tree) for tree in sent] == [tree_digest(job.tree) for job in jobs]


def test_the_same_cohort_gives_the_same_bytes_and_leaves_what_it_was_given():
    jobs, datas = cohort()
    before = [tree_digest(job.tree) for job in jobs]
    first, again = (fit_many(TASK, LocalTraining(AdamW(0.1), batch=8), jobs, datas).params for _ in range(2))
    assert tree_digest(first) == tree_digest(again)
    assert [tree_digest(job.tree) for job in jobs] == before


def test_the_generator_of_torch_is_left_where_it_was():
    jobs, datas = cohort()
    before = torch.get_rng_state()
    fit_many(TASK, LocalTraining(SGD(0.1), batch=8), jobs, datas)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("limits", [{}, {"epochs": 3}, {"epochs": 3, "steps": 4}])
def test_a_plan_holds_the_batches_that_clients_draw_alone(limits):
    local = LocalTraining(SGD(0.1), batch=8, **limits)
    starts, seeds = [0, 7, 47, 59], [5, 6, 7, 8]
    todo = plan(local, SIZES, seeds)
    assert todo.steps == sorted(todo.steps, reverse=True)
    for place, i in enumerate(todo.order):
        drawn = [(batch + starts[i]).tolist() for batch in batches(local, SIZES[i], seeds[i])]
        held = [rows[real].tolist() for rows, real in zip(todo.rows[place], todo.real[place], strict=True)]
        assert held[: len(drawn)] == drawn
        assert not any(held[len(drawn) :])
        assert todo.met[place].tolist() == [len(rows) for rows in held]


def test_a_client_without_samples_is_refused():
    jobs, datas = cohort((3, 0))
    with pytest.raises(InputError, match="client 1 has 0 samples"):
        fit_many(TASK, LocalTraining(SGD(0.1), batch=8), jobs, datas)


CORE = FedAvg(TASK, LocalTraining(AdamW(0.02), batch=8, epochs=2))
METHODS = [
    CORE,
    FedProx(CORE, 0.5),
    FedOpt(FedProx(CORE, 0.5), "yogi"),
    FedAsync(CORE),
    FedBuff(MMA(CORE)),
    FedAT(CORE, 1),
    MMA(CORE),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_every_shipped_method_trains_its_cohort_as_its_clients(method):
    jobs, datas = cohort()
    together = train_together(method, jobs, datas, [{}] * 4)
    alone = [method.train(job, its, {}) for job, its in zip(jobs, datas, strict=True)]
    assert cohort_obstacle(method) is None
    for one, other in zip(together, alone, strict=True):
        assert close(one.tree, other.tree)
        assert (one.weight, one.metrics) == (other.weight, pytest.approx(other.metrics, rel=1e-5))


@dataclass(frozen=True)
class Own:
    """A user's method that knows nothing of cohorts."""

    base: FedAvg

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        return replace(self.base.train(job, data, kept), weight=2.0)

    def __getattr__(self, name: str) -> object:
        if name in ("train_many", "obstacle"):
            raise AttributeError(name)
        return getattr(self.base, name)


def test_what_cannot_be_stacked_goes_one_by_one_and_says_why():
    plain = fedavg()
    assert cohort_obstacle(MMA(plain)) == "LeastSquares has no losses"
    assert cohort_obstacle(MMA(Own(plain))) == "Own has no train_many"
    jobs = [Job(client(i), 0, i, {"x": {"w": torch.zeros(1)}}) for i in range(2)]
    datas = [points([1.0, 2.0], [3.0, 1.0]), points([1.0], [2.0])]
    for method in (plain, MMA(Own(plain))):
        together = train_together(method, jobs, datas, [{}, {}])
        alone = [method.train(job, its, {}) for job, its in zip(jobs, datas, strict=True)]
        assert [tree_digest(one.tree) for one in together] == [tree_digest(one.tree) for one in alone]
        assert [one.weight for one in together] == [one.weight for one in alone]


def test_leaves_of_different_rank_are_cut_and_clipped_alike():
    """A 0-d parameter becomes (k,) in the stack, and is not taken for an optimiser's step count."""

    class Scalar(LeastSquares):
        def loss(self, params, batch, client):
            return (params["x"]["w"] * batch.inputs["x"][:, 0] - batch.inputs["y"]).square().mean()

        def losses(self, params, batch, real, client, draws):
            wide = params["x"]["w"].repeat_interleave(real.shape[1])
            error = (wide * batch.inputs["x"][:, 0] - batch.inputs["y"]).square().view(real.shape)
            return (error * real).sum(1) / real.sum(1)

    jobs, datas = cohort()
    jobs = [replace(job, tree=tree_map(lambda leaf: leaf[0].clone(), job.tree)) for job in jobs]
    local = LocalTraining(AdamW(0.1), batch=8, epochs=2, clip=0.5)
    together = rows_of(fit_many(Scalar(), local, jobs, datas).params)
    assert all(
        close(one, fit(Scalar(), local, job, its).params) for one, job, its in zip(together, jobs, datas, strict=True)
    )
