"""FedAvg whose devices answer with what they made of the shared model: averaging, then fine-tuning on the device."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mlecs_ray.method import Arrival, Client, Job, Update, Work
from mlecs_ray.methods.alone import OwnNetworks
from mlecs_ray.methods.fedavg import FedAvg
from mlecs_ray.samples import Samples
from mlecs_ray.tree import Tree, overlay


@dataclass(frozen=True, eq=False)
class FineTuned(OwnNetworks):
    """FedAvg, and each device answers with the model that its last job ended with.

    What is sent back and merged is FedAvg's; a job trains what a fine-tuning would, so there is none beside it.
    """

    @property
    def _base(self) -> FedAvg:
        return FedAvg(self.task, self.local)

    def init(self, seed: int) -> Tree:
        return self._base.init(seed)

    def assign(self, state: Tree, client: Client) -> Tree:
        return self._base.assign(state, client)

    def work(self, client: Client, tree: Tree) -> Work:
        return self._base.work(client, tree)

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        """FedAvg's update; the device keeps the model."""
        update = self._base.train(job, data, kept)
        own = overlay(job.tree, update.tree, torch.add)
        return Update(update.tree, update.weight, {"model": own}, update.metrics)

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        return self._base.merge(state, arrivals)
