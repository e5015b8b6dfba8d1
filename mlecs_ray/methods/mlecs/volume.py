"""The volume that an anchor and a sample's modality vectors span: small where they point the same way.

[paper] ML-ECS (arXiv 2602.14107) measures alignment by it, after GRAM (arXiv 2412.11959): of k unit vectors, the rows
of A, ``V = sqrt(det(A A^T))`` is the volume of the parallelotope that they span, in 0 (some are parallel) .. 1 (all are
orthogonal). Two vectors at the angle phi span ``|sin phi|``.
[ours] ``eps I`` is added, so that parallel vectors have a volume and a gradient; the determinant of ``[a; Z]`` is taken
apart as ``det(Z Z^T) (a a^T - a Z^T (Z Z^T)^-1 Z a^T)``, so that one factorisation of a sample's own vectors serves all
anchors that it is compared with.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

EPS = 1e-6
"""Added to the diagonal of the Gram matrix of unit vectors [paper: float32, eps 1e-6]."""


def volumes(anchors: Tensor, rows: Tensor, present: Tensor) -> Tensor:
    """``V(a_i; z_j)`` of every anchor (n, d) with every sample's vectors (m, M, d): (n, m), float32.

    ``present`` (m, M) is False where a sample lacks the modality: its vector is then no row of A, whatever stands
    there. A sample without any vector spans with an anchor the anchor's own length. Vectors need not be normalised.
    """
    unit = F.normalize(anchors.float(), dim=-1)
    vectors = F.normalize(rows.float().masked_fill(~present[..., None], 0.0), dim=-1)
    # An absent vector leaves a row of zeros; a one on its diagonal takes it out of the determinant.
    gram = vectors @ vectors.mT + torch.diag_embed(torch.where(present, EPS, 1.0))
    factor: Tensor = torch.linalg.cholesky(gram)
    base = factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    across: Tensor = torch.linalg.solve_triangular(factor, vectors @ unit.T, upper=False)
    # What of the anchor stands upright on the sample's vectors; rounding may take it below nothing.
    height: Tensor = (unit.square().sum(-1) + EPS - across.square().sum(-2)).clamp(min=EPS).T
    found: Tensor = height.sqrt() * base.exp()
    return found


def volume(vectors: Tensor) -> Tensor:
    """``sqrt(det(A A^T + eps I))`` of the rows of A (..., k, d), normalised: (...), by its definition."""
    unit = F.normalize(vectors.float(), dim=-1)
    gram = unit @ unit.mT + EPS * torch.eye(unit.shape[-2], device=unit.device)
    logarithm: Tensor = torch.linalg.slogdet(gram)[1]
    return (logarithm / 2).exp()
