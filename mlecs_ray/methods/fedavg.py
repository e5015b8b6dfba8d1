"""FedAvg: average what the clients learned (arXiv 1602.05629), each module over those who have it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mlecs_ray.method import Arrival, Client, Job, Predictor, Update, Work
from mlecs_ray.methods.local import Adjust, LocalTraining, fit, require_samples, seen_of
from mlecs_ray.methods.stacked import fit_many
from mlecs_ray.samples import Samples
from mlecs_ray.stacks import holders_mean, rows_of
from mlecs_ray.task import Task, can_be_stacked
from mlecs_ray.tree import Tree, overlay, tree_sub


@dataclass(frozen=True)
class FedAvg:
    """``w += sum_k p_k D_k``, ``D_k = w_k - w``, ``p_k = n_k / sum n``.

    The sum runs leaf by leaf over the clients that hold the leaf, and leaves nobody held stay: where clients
    differ in modalities or structure this is the modality-masked mean. Equal parts for all make it plain FedAvg.
    """

    task: Task
    local: LocalTraining

    def init(self, seed: int) -> Tree:
        """The task's parameters are the whole state."""
        return self.task.init(seed)

    def assign(self, state: Tree, client: Client) -> Tree:
        """The parameters that this client uses."""
        return self.task.part(state, client)

    def work(self, client: Client, tree: Tree) -> Work:
        """Every sample it will meet, forward and backward; back comes a tree like the one sent.

        Raises InputError for a client without samples.
        """
        require_samples(client, client.samples)
        cost = self.task.cost(client, self.local.batch)
        flops = cost.flops_per_sample * seen_of(self.local, client.samples)
        return Work(flops, tree, cost.memory_bytes, cost.shared_bytes)

    def train(self, job: Job, data: Samples, kept: Tree, adjust: Adjust | None = None) -> Update:
        """``D_k``, weighted by the samples it comes from; ``adjust`` lets a wrapper correct the gradients."""
        learned = fit(self.task, self.local, job, data, adjust)
        return Update(tree_sub(learned.params, job.tree), float(len(data)), metrics={"loss": learned.loss})

    def train_many(
        self, jobs: Sequence[Job], datas: Sequence[Samples], kepts: Sequence[Tree], adjust: Adjust | None = None
    ) -> Sequence[Update]:
        """``train`` of every job, as one stacked computation where the task allows it."""
        if not can_be_stacked(self.task):
            return [self.train(job, data, kept, adjust) for job, data, kept in zip(jobs, datas, kepts, strict=True)]
        learned = fit_many(self.task, self.local, jobs, datas, adjust)
        moved = rows_of(tree_sub(learned.params, learned.sent))
        return [
            Update(tree, float(len(data)), metrics={"loss": loss})
            for tree, data, loss in zip(moved, datas, learned.losses, strict=True)
        ]

    def obstacle(self) -> str | None:
        """Tasks that cannot be stacked go one by one."""
        return None if can_be_stacked(self.task) else f"{type(self.task).__name__} has no losses"

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        """Add the mean update."""
        return overlay(state, holders_mean((a.update.tree, a.update.weight) for a in arrivals), torch.add)

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        """The task's own answers: nothing is kept."""
        return self.task.predictor(tree, client)
