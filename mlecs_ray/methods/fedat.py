"""FedAT: synchronous inside a latency tier, asynchronous across tiers (arXiv 2010.05958)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mlecs_ray.method import Arrival, Client, Job, Method, Predictor, Update, Work, cohort_obstacle, train_together
from mlecs_ray.methods.checks import check
from mlecs_ray.methods.parts import joined, moved
from mlecs_ray.samples import Samples
from mlecs_ray.stacks import holders_mean
from mlecs_ray.tree import Tree, from_leaves, leaves, overlay


@dataclass(frozen=True)
class FedAT:
    """``w = sum_m (T_{M+1-m} / T) w_m``: tier m's model counts by the updates of its mirror image, T = sum T_m.

    So the slow tiers, which update seldom, get the weights that the fast ones earned. ``w_m`` is FedAvg's mean over
    the last clients of tier m (``client.tier``, 0 the fastest), which all start from ``w`` and upload their weights.
    Ours: M counts, leaf by leaf, the tiers that have reported the leaf. The paper's formula gives all weight to the
    initial model until the slowest tier has answered, and would hold a module that one tier alone has for ever.

    State: ``base`` is w, ``counts`` (tiers,) int64, ``tiers/m`` the leaves that tier m has reported. The base's
    updates must be differences to what it was sent, and its state the parameters themselves.
    """

    base: Method
    tiers: int

    def __post_init__(self) -> None:
        check(self.tiers >= 1, f"tiers={self.tiers} must be at least 1, or no client belongs anywhere")

    def init(self, seed: int) -> Tree:
        """The base's state; no tier has a model of its own yet."""
        return {"base": self.base.init(seed), "counts": torch.zeros(self.tiers, dtype=torch.int64)}

    def assign(self, state: Tree, client: Client) -> Tree:
        """The merged model; raises InputError for a client of a tier that is not here."""
        check(
            0 <= client.tier < self.tiers,
            f"client {client.id} is of tier {client.tier}, but tiers={self.tiers}: its updates would have no model",
        )
        return self.base.assign(state["base"], client)

    def work(self, client: Client, tree: Tree) -> Work:
        """As the base: weights have the shapes of differences."""
        return self.base.work(client, tree)

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        """As the base, but the weights go up."""
        return moved(job, self.base.train(job, data, kept))

    def train_many(self, jobs: Sequence[Job], datas: Sequence[Samples], kepts: Sequence[Tree]) -> Sequence[Update]:
        """The same for a cohort."""
        return [moved(*pair) for pair in zip(jobs, train_together(self.base, jobs, datas, kepts), strict=True)]

    def obstacle(self) -> str | None:
        """As the base."""
        return cohort_obstacle(self.base)

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        """New models for the tiers that arrived, then the mean across all tiers."""
        tiers, counts = dict(state.get("tiers", {})), state["counts"].clone()
        for tier in sorted({a.client.tier for a in arrivals}):
            mean = holders_mean((a.update.tree, a.update.weight) for a in arrivals if a.client.tier == tier)
            tiers[str(tier)] = joined(tiers.get(str(tier), {}), mean)
            counts[tier] += 1
        return {"base": overlay(state["base"], across(tiers, counts.tolist())), "counts": counts, "tiers": tiers}

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        """As the base."""
        return self.base.predictor(tree, kept, client)


def across(tiers: Mapping[str, Tree], counts: Sequence[int]) -> Tree:
    """The mean of the tiers' models by reversed update counts, leaf by leaf over the tiers that hold the leaf."""
    holders: dict[str, list[tuple[int, Tensor]]] = {}
    for tier in sorted(map(int, tiers)):
        for path, leaf in leaves(tiers[str(tier)]):
            holders.setdefault(path, []).append((counts[tier], leaf))
    return from_leaves((path, _reversed_mean(held)) for path, held in holders.items())


def _reversed_mean(held: Sequence[tuple[int, Tensor]]) -> Tensor:
    total = sum(count for count, _ in held)
    mean = torch.zeros_like(held[0][1])
    for (_, leaf), (mirror, _) in zip(held, reversed(held), strict=True):
        mean = mean + leaf * (mirror / total)
    return mean
