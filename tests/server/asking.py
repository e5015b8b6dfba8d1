"""A method that asks clients what they own before it sends them a model: as a class, and as ``path.py:Asking``."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mlecs_ray.method import Arrival, Client, Job, Predictor, Update, Work
from mlecs_ray.methods.fedavg import FedAvg
from mlecs_ray.samples import Samples
from mlecs_ray.tree import Tree, tree_scale


@dataclass(frozen=True)
class Asking:
    """FedAvg whose clients first tell how many samples they have of each label.

    A client is sent the model times the share of the labels that it has.
    """

    base: FedAvg
    classes: int = 10

    def init(self, seed: int) -> Tree:
        return self.base.init(seed)

    def assign(self, state: Tree, client: Client) -> Tree:
        if not client.told:
            return {"ask": torch.zeros(1)}
        return tree_scale(self.base.assign(state, client), float((client.told["labels"] > 0).float().mean()))

    def shown(self, state: Tree, client: Client) -> Tree:
        return self.base.assign(state, client)

    def work(self, client: Client, tree: Tree) -> Work:
        if "ask" in tree:
            return Work(1e6, {"labels": torch.zeros(self.classes, dtype=torch.int64)}, 1e3, tells=True)
        return self.base.work(client, tree)

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        assert not job.client.told, "what it told has come back"
        if "ask" in job.tree:
            assert data.labels is not None
            return Update({"labels": torch.bincount(data.labels, minlength=self.classes)}, 1.0)
        return self.base.train(job, data, kept)

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        assert all(arrival.client.told for arrival in arrivals)
        return self.base.merge(state, arrivals)

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        return self.base.predictor(tree, kept, client)
