"""Does one job: the same code in this process and in a Ray actor."""

from dataclasses import replace
from typing import Any, Protocol

import torch

from mlecs_ray.method import Client, Job, Method, Update
from mlecs_ray.samples import Samples
from mlecs_ray.tree import Tree, normal

CHUNK = 32
"""Rows predicted at once. Fixed, because matrix kernels may round differently for other batch sizes."""


class Shards(Protocol):
    """Who owns which data."""

    def shard(self, client: int) -> Samples:
        """The private data of this client; the public data for the cloud's id, -1."""

    @property
    def test(self) -> Samples:
        """What evaluation reads."""


class Worker:
    """Owns data and nothing learned, so it may die at any time and be replaced.

    A method sees trees as the wire gives them, also where there is no wire: the same here and in an actor.
    """

    def __init__(self, method: Method, shards: Shards) -> None:
        # One thread: the order of summation, and so the result, is then the same on every machine size.
        torch.set_num_threads(1)
        self._method, self._shards = method, shards

    def train(self, job: Job, kept: Tree) -> Update:
        """The client's part of the method, on the modalities that the client has at this moment."""
        data = self._shards.shard(job.client.id).only(job.client.modalities)
        torch.manual_seed(job.seed)
        update = self._method.train(replace(job, tree=normal(job.tree)), data, normal(kept))
        # A method may well give numpy's or torch's numbers; records and checkpoints want plain ones.
        metrics = {name: float(value) for name, value in update.metrics.items()}
        return Update(normal(update.tree), float(update.weight), normal(update.kept), metrics)

    def predict(self, client: Client, tree: Tree, kept: Tree, rows: range) -> list[Any]:
        """The answers to these test rows, seen through the client's modalities."""
        torch.manual_seed(rows.start)
        with torch.no_grad():
            samples = self._shards.test.take(rows).only(client.modalities)
            return list(self._method.predictor(normal(tree), normal(kept), client)(samples))


def chunks(rows: int) -> list[range]:
    """The first so many test rows, CHUNK at a time."""
    return [range(start, min(start + CHUNK, rows)) for start in range(0, rows, CHUNK)]
