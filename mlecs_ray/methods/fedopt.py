"""FedOpt: an adaptive optimiser on the server (arXiv 2003.00295: FedAdagrad, FedAdam, FedYogi)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from mlecs_ray.method import Arrival, Client, Job, Method, Predictor, Update, Work, cohort_obstacle, train_together
from mlecs_ray.methods.checks import check, check_betas, check_rate
from mlecs_ray.methods.parts import common, joined
from mlecs_ray.samples import Samples
from mlecs_ray.tree import Tree, overlay, tree_map, tree_zeros

Kind = Literal["adam", "yogi", "adagrad"]


@dataclass(frozen=True)
class FedOpt:
    """``m = b1 m + (1-b1) D; v = V(v, D); w += lr m / (sqrt(v) + eps)``, D the base's mean update.

    V is ``b2 v + (1-b2) D^2`` (adam), ``v - (1-b2) D^2 sign(v - D^2)`` (yogi) or ``v + D^2`` (adagrad); m starts at
    0 and v at eps^2, as in the paper's algorithm 2, which corrects no bias. Leaves that nobody held stay, their
    moments too. The base's ``merge`` must add to the weights what does not depend on them (FedAvg, FedProx,
    FedBuff, MMA).
    """

    base: Method
    kind: Kind = "adam"
    lr: float = 0.01
    betas: tuple[float, float] = (0.9, 0.99)
    eps: float = 1e-3

    def __post_init__(self) -> None:
        check(self.kind in get_args(Kind), f"kind={self.kind!r} must be one of {get_args(Kind)}, or there is no rule")
        check_rate("lr", self.lr)
        check_betas(self.betas)
        check(0 < self.eps < math.inf, f"eps={self.eps} must be above 0, or a zero update divides by zero")

    def init(self, seed: int) -> Tree:
        """The base's state and the two moments of its updates."""
        base = self.base.init(seed)
        return {"base": base, "m": tree_zeros(base), "v": tree_map(lambda w: torch.full_like(w, self.eps**2), base)}

    def assign(self, state: Tree, client: Client) -> Tree:
        """As the base."""
        return self.base.assign(state["base"], client)

    def work(self, client: Client, tree: Tree) -> Work:
        """As the base."""
        return self.base.work(client, tree)

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        """As the base."""
        return self.base.train(job, data, kept)

    def train_many(self, jobs: Sequence[Job], datas: Sequence[Samples], kepts: Sequence[Tree]) -> Sequence[Update]:
        """As the base."""
        return train_together(self.base, jobs, datas, kepts)

    def obstacle(self) -> str | None:
        """As the base."""
        return cohort_obstacle(self.base)

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        """One step of the server's optimiser, on the leaves that somebody held."""
        b1, _ = self.betas
        held: Tree = {}
        for arrival in arrivals:
            held = joined(held, arrival.update.tree)
        # On zeros the base's merge is the mean update itself, free of the rounding of w + D - w.
        mean = common(self.base.merge(tree_zeros(state["base"]), arrivals), held)
        m = overlay(state["m"], mean, lambda m, d: b1 * m + (1 - b1) * d)
        v = overlay(state["v"], mean, self._second)
        step = tree_map(lambda m, v: self.lr * m / (v.sqrt() + self.eps), common(m, held), common(v, held))
        return {"base": overlay(state["base"], step, torch.add), "m": m, "v": v}

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        """As the base."""
        return self.base.predictor(tree, kept, client)

    def _second(self, v: Tensor, d: Tensor) -> Tensor:
        _, b2 = self.betas
        # D squared, not m squared: the latter is a known fault of public copies.
        square = d * d
        if self.kind == "adam":
            return b2 * v + (1 - b2) * square
        return v + square if self.kind == "adagrad" else v - (1 - b2) * square * torch.sign(v - square)
