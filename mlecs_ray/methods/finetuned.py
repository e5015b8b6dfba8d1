"""FedAvg whose devices answer with what they made of the shared model: averaging, then fine-tuning on the device."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from mlecs_ray.method import Arrival, Client, Job, Predictor, Update, Work
from mlecs_ray.methods.fedavg import FedAvg
from mlecs_ray.methods.local import LocalTraining
from mlecs_ray.methods.pretrained import Pretrained
from mlecs_ray.models.classifier import ClassifierTask
from mlecs_ray.samples import Samples
from mlecs_ray.tree import Tree, overlay


@dataclass(frozen=True, eq=False)
class FineTuned:
    """FedAvg, and each device answers with the model that its last job ended with.

    What is sent back and merged is FedAvg's; a job trains what a fine-tuning would, so there is none beside it.
    """

    task: Pretrained | ClassifierTask
    local: LocalTraining

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

    def shown(self, state: Tree, client: Client) -> Tree:
        """What a device that has not trained yet answers with."""
        return self.task.part(state, client)

    def model(self, tree: Tree, kept: Tree, client: Client) -> Tree:
        """Its own, once it has one."""
        own: Tree = kept.get("model") or tree
        return own

    def scores(self, model: Tree, client: Client) -> Callable[[Samples], Tensor]:
        """Those of the network."""
        return partial(self.task.logits, model)

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        return self.task.predictor(self.model(tree, kept, client), client)
