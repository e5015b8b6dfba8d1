"""A method that learns next to nothing, so that a run of it shows what the engine alone costs."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mlecs_ray.method import Arrival, Client, Job, Method, Predictor, Update, Work
from mlecs_ray.samples import Samples
from mlecs_ray.stacks import holders_mean, rows_of
from mlecs_ray.tree import Tree, overlay

ONE: Tree = {"w": torch.ones(1)}


@dataclass(frozen=True)
class Toy:
    """One number, ``w += mean 1``: after n merges it is n. Run it as ``--method bench/toy.py:Toy``."""

    base: Method

    def init(self, seed: int) -> Tree:
        """Zero."""
        return {"w": torch.zeros(1)}

    def assign(self, state: Tree, client: Client) -> Tree:
        """The number."""
        return state

    def work(self, client: Client, tree: Tree) -> Work:
        """A second of a device of 1 GFLOP/s."""
        return Work(1e9, tree, 1e6)

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        """One more."""
        return Update(ONE, 1.0)

    def train_many(self, jobs: Sequence[Job], datas: Sequence[Samples], kepts: Sequence[Tree]) -> Sequence[Update]:
        """One more for each."""
        return [Update(row, 1.0) for row in rows_of({"w": torch.ones(len(jobs), 1)})]

    def obstacle(self) -> str | None:
        """There is none."""
        return None

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        """Add the mean."""
        return overlay(state, holders_mean((arrival.update.tree, 1.0) for arrival in arrivals), torch.add)

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        """Class 0, always."""
        return lambda samples: [0] * len(samples)
