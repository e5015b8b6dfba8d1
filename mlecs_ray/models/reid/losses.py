"""What identity teaches: to name it, to keep others away, and to be the same in every modality (arXiv 2602.12936)."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

MARGIN = 0.3
"""Of the triplet loss."""
SCALE = 14.3
"""Of a student's cosines in SDM. [paper]"""
_EPS = 1e-8
Joined = Literal["mean", "sum"]
"""How the pairs of modalities are."""


class Seen(NamedTuple):
    """What one modality has in a batch."""

    features: Tensor
    """(n, d)."""
    labels: Tensor
    """(n,) identities."""


def triplet(features: Tensor, labels: Tensor, margin: float = MARGIN) -> Tensor:
    """``mean_a max(0, margin + max_p |f_a - f_p| - min_n |f_a - f_n|)``, of features of unit length.

    Batch-hard (Hermans et al., arXiv 1703.07737): the farthest of the anchor's own identity, itself left out, and the
    nearest of another. Anchors that lack either are left out; 0 where none has both.
    """
    unit = F.normalize(features, dim=1)
    # The root has no slope at 0, where two samples are the same.
    distances = (2 - 2 * unit @ unit.T).clamp(min=1e-12).sqrt()
    same = labels[:, None] == labels[None]
    own = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    able = own.any(1) & ~same.all(1)
    farthest = distances.masked_fill(~own, float("-inf")).amax(1)[able]
    nearest = distances.masked_fill(same, float("inf")).amin(1)[able]
    return F.relu(margin + farthest - nearest).sum() / max(int(able.sum()), 1)


def sdm(a: Seen, b: Seen, scale: float) -> Tensor:
    """Similarity distribution matching (Jiang and Ye, arXiv 2303.12501), both directions.

    ``p_ij = softmax_j(scale cos(a_i, b_j))``, ``q_ij = y_ij / sum_k y_ik`` with y 1 for the same identity, and
    ``mean_i sum_j p_ij (log p_ij - log(q_ij + 1e-8))``, plus the same from b to a. Rows whose identity the other side
    has not are left out; 0 where there are none.
    """
    similar, same = _compared(a, b, scale)
    return _directed(similar, same) + _directed(similar.T, same.T)


def _compared(a: Seen, b: Seen, scale: float) -> tuple[Tensor, Tensor]:
    similar = scale * F.normalize(a.features, dim=1) @ F.normalize(b.features, dim=1).T
    return similar, (a.labels[:, None] == b.labels[None]).to(similar.dtype)


def _directed(similar: Tensor, same: Tensor) -> Tensor:
    logs, wanted = _answered(similar, same)
    return (logs.exp() * (logs - (wanted + _EPS).log())).sum() / max(len(logs), 1)


def _answered(similar: Tensor, same: Tensor) -> tuple[Tensor, Tensor]:
    """log p and q of the rows that have somebody."""
    able = same.any(1)
    wanted = same[able]
    return similar[able].log_softmax(1), wanted / wanted.sum(1, keepdim=True)


def contrast(a: Seen, b: Seen, scale: float) -> Tensor:
    """``- mean_i sum_j q_ij log p_ij``, p and q as in ``sdm``, both directions (van den Oord et al., arXiv 1807.03748):
    what two sides that have nothing in common yet learn from sooner."""
    similar, same = _compared(a, b, scale)
    sides = [_answered(similar, same), _answered(similar.T, same.T)]
    return sum((-(wanted * logs).sum() / max(len(logs), 1) for logs, wanted in sides), similar.sum() * 0)


def matching(seen: Mapping[str, Seen], scale: float, joined: Joined) -> Tensor:
    """``sdm`` of every pair of modalities, their ``mean`` [paper: teacher] or ``sum`` [paper: student]; 0 for one."""
    pairs = [sdm(seen[a], seen[b], scale) for a, b in combinations(sorted(seen), 2)]
    if not pairs:
        return next(iter(seen.values())).features.sum() * 0
    return torch.stack(pairs).mean() if joined == "mean" else torch.stack(pairs).sum()


def whole(seen: Mapping[str, Seen]) -> Seen:
    """All modalities, one after another, in the order of their names."""
    parts: Sequence[Seen] = [seen[modality] for modality in sorted(seen)]
    return Seen(torch.cat([part.features for part in parts]), torch.cat([part.labels for part in parts]))
