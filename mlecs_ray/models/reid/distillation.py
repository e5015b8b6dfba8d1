"""What a student takes from its teacher's features: their direction, their principal components, how they correlate.

arXiv 2602.12936. S and T are the features (n, d) of one batch of mixed modalities, the student's and the teacher's.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.errors import InputError

_EPS = 1e-8


@dataclass(frozen=True)
class Distillation:
    """``task L_task + cm L_CM + pcm L_PCM + fr L_FR``. [paper; its code has 0.01, 0, 0.49 and 0.5 too]"""

    task: float = 0.01
    """Of what identity teaches."""
    cm: float = 0.29
    """Of cosine matching."""
    pcm: float = 0.35
    """Of principal component matching."""
    fr: float = 0.35
    """Of feature relation."""
    components: int = 50
    """Principal components of each batch, at most. [paper: 50 of 1536]"""
    energy: float | None = None
    """Take the fewest components that hold this share of the batch's energy instead. [ours]"""

    def __post_init__(self) -> None:
        weights = (self.task, self.cm, self.pcm, self.fr)
        if min(weights) < 0 or not max(weights) > 0:
            raise InputError(
                f"weights task={self.task}, cm={self.cm}, pcm={self.pcm}, fr={self.fr} must be 0 or more and not all "
                "0, or nothing is learned"
            )
        if self.components < 1:
            raise InputError(f"components={self.components} must be 1 or more, or no direction is matched")
        if self.energy is not None and not 0 < self.energy <= 1:
            raise InputError(f"energy={self.energy} must lie in (0, 1], or no number of components holds it")


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """``mean_i (1 - cos(a_i, b_i))`` over rows."""
    return (1 - F.cosine_similarity(a, b, dim=1, eps=_EPS)).mean()


@torch.no_grad()
def basis(teacher: Tensor, components: int, energy: float | None = None) -> Tensor:
    """V_k (d, k): the first right singular vectors of T = U Sigma V^T, uncentred, in float32.

    k is ``components``, or the fewest whose ``sum_i sigma_i^2`` is ``energy`` of all; never more than T has rank, as
    directions beyond that are rounding's alone.
    """
    _, sigma, right = torch.linalg.svd(teacher.float(), full_matrices=False)
    rank = int((sigma > sigma[0] * max(teacher.shape) * torch.finfo(torch.float32).eps).sum())
    wanted = components if energy is None else enough(cumulative(sigma), energy)
    found: Tensor = right[: max(min(wanted, rank), 1)].T
    return found


def cumulative(sigma: Tensor) -> Tensor:
    """(n,) the share of the sum of all squares that the first so many singular values hold, in float64."""
    squares = sigma.double().square()
    return squares.cumsum(0) / squares.sum()


def enough(held: Tensor, energy: float) -> int:
    """The fewest that hold this share of the energy, of which the first so many have ``held`` (n,)."""
    # Rounding may leave the last a hair below 1.
    return min(int((held < energy - 1e-12).sum()) + 1, len(held))


def principal(student: Tensor, teacher: Tensor, directions: Tensor) -> Tensor:
    """PCM: ``cosine(S V_k, T V_k)``."""
    return cosine(student @ directions, teacher @ directions)


def correlations(features: Tensor) -> Tensor:
    """(d, d): how the dimensions of (n, d) vary together over the batch, each centred and of unit length."""
    centred = features - features.mean(0)
    unit = centred / (centred.norm(dim=0) + _EPS)
    found: Tensor = unit.T @ unit
    return found


def relation(student: Tensor, teacher: Tensor) -> Tensor:
    """FR: ``cosine(R_S, R_T)`` of the rows of the correlation matrices; a dimension's scale does not matter."""
    return cosine(correlations(student), correlations(teacher))


def distilled(student: Tensor, teacher: Tensor, rules: Distillation) -> Tensor:
    """``cm L_CM + pcm L_PCM + fr L_FR``; terms of weight 0 are not computed."""
    total = student.sum() * 0
    if rules.cm:
        total = total + rules.cm * cosine(student, teacher)
    if rules.pcm:
        total = total + rules.pcm * principal(student, teacher, basis(teacher, rules.components, rules.energy))
    if rules.fr:
        total = total + rules.fr * relation(student, teacher)
    return total
