"""Does one job: the same code in this process and in a Ray actor."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mlecs_ray.draws import seed_torch
from mlecs_ray.method import Client, Job, Method, Update, train_together
from mlecs_ray.sim.memory import keep_freed_memory
from mlecs_ray.sim.shards import SeenShards, Shards
from mlecs_ray.stacks import norm, whole_stack
from mlecs_ray.tree import Remembered, Tree, normal, tree_map, tree_to

CHUNK = 32
"""Rows predicted at once. Fixed, because matrix kernels may round differently for other batch sizes."""


class Worker:
    """Owns data and nothing learned, so it may die at any time and be replaced.

    A method sees trees as the wire gives them, also where there is no wire: the same here and in an actor.
    """

    def __init__(self, method: Method, shards: Shards, device: str = "cpu") -> None:
        # One thread: the order of summation, and so the result, is then the same on every machine size.
        torch.set_num_threads(1)
        keep_freed_memory()
        self._method, self._shards, self._device = method, SeenShards(shards, device), device

    def train(self, job: Job, kept: Tree) -> Update:
        """The client's part of the method."""
        data = self._shards.of(job.client)
        seed_torch(job.seed)
        ready = replace(job, tree=self._here(job.tree))
        return _plain([self._method.train(ready, data, self._here(kept))])[0]

    def train_many(self, jobs: Sequence[Job], kepts: Sequence[Tree]) -> list[Update]:
        """A cohort: jobs of one structure, the same modalities and trees of the same shapes."""
        if len(jobs) == 1:
            return [self.train(jobs[0], kepts[0])]
        datas = self._shards.of_all([job.client for job in jobs])
        seed_torch(jobs[0].seed)
        here = Remembered(self._here)
        ready = [replace(job, tree=here(job.tree)) for job in jobs]
        return _plain(train_together(self._method, ready, datas, [self._here(kept) for kept in kepts]))

    def predict(self, client: Client, tree: Tree, kept: Tree, rows: range, local: bool = False) -> list[Any]:
        """The answers to these test rows, with ``local`` of the client's own test, seen through its modalities."""
        seed_torch(rows.start)
        with torch.no_grad():
            shards, seen = self._shards, client.modalities
            samples = shards.local_test(rows, client) if local else shards.test(rows, seen)
            return list(self._method.predictor(self._here(tree), self._here(kept), client)(samples))

    def _here(self, tree: Tree) -> Tree:
        """As the wire gives it, on the device where clients train."""
        ready = normal(tree) if tree else {}
        return ready if self._device == "cpu" else tree_to(ready, self._device)


def _plain(updates: Sequence[Update]) -> list[Update]:
    """A method may well give numpy's or torch's numbers; records and checkpoints want plain ones, in main memory."""
    return [
        Update(
            tree,
            float(one.weight),
            _sent(one.kept),
            {key: float(value) for key, value in one.metrics.items()},
            norm(tree),
        )
        for one, tree in zip(updates, _all_sent([update.tree for update in updates]), strict=True)
    ]


def _all_sent(trees: Sequence[Tree]) -> Sequence[Tree]:
    if whole := whole_stack(trees):
        return whole.cpu().rows
    return [_sent(tree) for tree in trees]


def _sent(tree: Tree) -> Tree:
    return tree_map(Tensor.cpu, normal(tree)) if tree else {}


def chunks(rows: int) -> list[range]:
    """The first so many test rows, CHUNK at a time."""
    return [range(start, min(start + CHUNK, rows)) for start in range(0, rows, CHUNK)]
