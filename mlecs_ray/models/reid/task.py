"""Finding people as a federated task: a student learns to see the same identity in every modality."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client, Predictor
from mlecs_ray.models import flops
from mlecs_ray.models.reid.kinds import TEXT
from mlecs_ray.models.reid.losses import SCALE, Seen, matching, triplet, whole
from mlecs_ray.models.reid.stages import varied
from mlecs_ray.models.reid.student import Student
from mlecs_ray.samples import Samples
from mlecs_ray.task import Cost
from mlecs_ray.tree import Tree

Vectors = Mapping[str, NDArray[np.float32]]
"""What a sample is to a searcher: by modality, (d,) of unit length."""


@dataclass(frozen=True)
class ReIDTask:
    """``triplet + sum over pairs of modalities of SDM`` of a student's features (arXiv 2602.12936).

    Samples hold what the frozen part of the student made (``Student.lower``). [ours] Naming identities needs a layer
    that knows them all, which no camera does: at the edge that loss is left out. Where a batch has one modality alone,
    its pictures are seen twice, varied in two ways, so that a camera that saw each identity once still has somebody to
    find again.
    """

    student: Student
    modalities: tuple[str, ...]

    @property
    def structure_names(self) -> tuple[str, ...]:
        return ("",)

    def init(self, seed: int) -> Tree:
        return self.student.part(self.student.init(seed), frozenset(self.modalities))

    def part(self, params: Tree, client: Client) -> Tree:
        if not client.modalities & set(self.modalities):
            raise InputError(
                f"client {client.id} has {sorted(client.modalities)}, none of {list(self.modalities)}, so it sees "
                "nobody"
            )
        return self.student.part(params, client.modalities)

    def varied(self, batch: Samples) -> Samples:
        """The same, whose pictures are seen a little otherwise."""
        inputs = {m: x if m == TEXT else varied(x) for m, x in batch.inputs.items()}
        return replace(batch, inputs=inputs)

    def embedded(self, params: Tree, batch: Samples) -> dict[str, Seen]:
        """By modality the features of the samples that have it, (n, d), in their order."""
        if batch.labels is None:
            raise InputError("samples without identities teach nobody to be found again")
        return {m: Seen(features, batch.labels[rows]) for m, rows, features in self._seen(params, batch)}

    def _seen(self, params: Tree, samples: Samples) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Each modality that some sample has and the parameters read, in order: which samples, and their features."""
        for modality in sorted(samples.inputs.keys() & params["heads"].keys()):
            rows = samples.present[modality].nonzero()[:, 0]
            if len(rows):
                yield modality, rows, self.student.embed(params, modality, samples.inputs[modality][rows])

    def loss(self, params: Tree, batch: Samples, client: Client) -> Tensor:
        batch = self.varied(batch)
        return self.told(params, batch, self.embedded(params, batch))

    def told(self, params: Tree, batch: Samples, seen: Mapping[str, Seen]) -> Tensor:
        """The loss of a batch as it is, and is ``embedded``; 0 where nothing in it could be found again."""
        if not seen:
            nothing: Tensor = next(iter(params["heads"].values()))["bias"].sum() * 0
            return nothing
        if len(seen) == 1 and TEXT not in seen:
            again = self.embedded(params, self.varied(batch))
            return _apart(*seen.values(), *again.values())
        return _apart(whole(seen)) + matching(seen, SCALE, "sum")

    def vectors(self, params: Tree, samples: Samples) -> Tensor:
        """(n, d) of unit length: each sample by all that it has, the mean direction of its modalities."""
        found = torch.zeros(len(samples), self.student.width)
        for _, rows, features in self._seen(params, samples):
            found[rows] += features
        return F.normalize(found, dim=1)

    def answer_flops(self, modality: str) -> int:
        """What one sighting takes, from pixels or words to its vector."""
        return _answer_flops(self, modality)

    def cost(self, client: Client, batch: int) -> Cost:
        return _cost(self, frozenset(client.modalities & set(self.modalities)), batch)

    def predictor(self, params: Tree, client: Client) -> Predictor:
        """For each sample its ``Vectors``, of the modalities that it has."""

        def answers(samples: Samples) -> Sequence[Vectors]:
            found: list[dict[str, NDArray[np.float32]]] = [{} for _ in range(len(samples))]
            with torch.no_grad():
                for modality, rows, features in self._seen(params, samples):
                    for row, vector in zip(rows.tolist(), features.numpy(), strict=True):
                        found[row][modality] = vector
            return found

        return answers


def _apart(*seen: Seen) -> Tensor:
    return triplet(torch.cat([one.features for one in seen]), torch.cat([one.labels for one in seen]))


@lru_cache(maxsize=256)
def _answer_flops(task: ReIDTask, modality: str) -> int:
    student = task.student
    params, blank = student.init(0), student.blank(modality, 1)
    return flops.count_forward(lambda: student.embed(params, modality, student.lower(modality, blank)))


@lru_cache(maxsize=256)
def _cost(task: ReIDTask, modalities: frozenset[str], batch: int) -> Cost:
    """Of a batch that has all of these modalities; what the frozen part takes is counted with it."""
    student = task.student
    params = flops.zeros(student.part(student.init(0), modalities))
    blank = {m: student.blank(m, batch) for m in modalities}
    lower = {m: student.lower(m, x) for m, x in blank.items()}
    there = {m: torch.ones(batch, dtype=torch.bool) for m in modalities}
    samples = Samples(lower, there, labels=torch.arange(batch) // 2)
    step = flops.count(lambda: task.told(params, samples, task.embedded(params, samples)))
    once = flops.count_forward(lambda: [student.lower(m, x) for m, x in blank.items()])
    found = flops.cost(flops.Step(step.flops + once, step.saved_bytes), batch, params, student.frozen_bytes)
    return replace(found, shared_bytes=float(student.frozen_bytes))
