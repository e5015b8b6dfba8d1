"""Heads that answer much as a teacher does from the first step on: least squares with a ridge. [ours]"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.models.reid.stages import Sightings
from mlecs_ray.models.reid.student import Student
from mlecs_ray.tree import Tree

_CHUNK = 128


@torch.no_grad()
def fitted(student: Student, params: Tree, seen: Sightings, teacher: Mapping[str, Tensor], ridge: float) -> Tree:
    """``params``, but of each modality of ``seen`` the head ``W x + b`` that minimises the mean over its sightings of
    ``|W x + b - t / |t||^2 + ridge v |W|^2``: x what the head reads, t the teacher's (n, d), v the mean variance of x's
    dimensions. Other heads stay as they are."""
    heads = dict(params["heads"])
    for modality, inputs in seen.inputs.items():
        parts = torch.split(inputs, _CHUNK)
        heads[modality] = _head(
            torch.cat([student.pooled(params, modality, part) for part in parts]), teacher[modality], ridge
        )
    return {**params, "heads": heads}


def _head(read: Tensor, teacher: Tensor, ridge: float) -> dict[str, Tensor]:
    wanted = F.normalize(teacher, dim=1)
    mean, centre = read.mean(0), wanted.mean(0)
    spread = read - mean
    weight = ridge * len(spread) * spread.square().mean()
    gram = spread.T @ spread + weight * torch.eye(spread.shape[1])
    found = torch.linalg.solve(gram, spread.T @ (wanted - centre))
    return {"weight": found.T.contiguous(), "bias": centre - mean @ found}
