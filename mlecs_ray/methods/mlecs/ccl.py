"""CCL: cross-modal contrastive learning against anchors (ML-ECS, arXiv 2602.14107).

[paper] A client pulls its modality vectors towards the server's fused representation of the same public sample, by the
volume they span. [ours, after GRAM, arXiv 2412.11959] The InfoNCE form, with the match at j = i:
``L_a2z = mean_i CE_j(S_ij / tau)``, ``L_z2a = mean_j CE_i(S_ij / tau)``, ``L_CCL`` their mean, with label smoothing
0.1; tau is learned from 0.07 and kept above 0.01. GRAM has ``S_ij = -V(a_i; z_j)``.
[ours] A vector and its opposite span the same volume, so volume alone leaves the sign of every sense open, and a fused
representation, which is their sum, cancels itself. So ``S_ij = o mean_m cos(a_i, z_jm) - V(a_i; z_j)``; the orientation
o is 1, and 0 gives GRAM's.
[ours] InfoNCE asks only that a sample lies nearer to its anchor than others do; a language model that reads the fused
representation asks where it lies. So ``L_near = mean_i (1 - cos(a_i, f_i))`` of the fused representations f stands
beside it, ``lambda (L_CCL + mu L_near)``; mu = 0 leaves it out.
[ours] "Projected to one space": modality m's vector is what ``fused_repr`` would be had the sample m alone, so the
fusion itself is the projection, and a device that lost all other sensors still speaks where the anchors are.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.methods.checks import check
from mlecs_ray.methods.mlecs.volume import volumes
from mlecs_ray.methods.stages import Meeting
from mlecs_ray.tree import Tree

TAU = 0.07
"""Where the temperature starts."""
COLDEST = 0.01
SMOOTHING = 0.1


def init_tau() -> Tensor:
    """The logarithm of the temperature, a 0-d tensor."""
    return torch.tensor(math.log(TAU))


def scores(anchors: Tensor, rows: Tensor, present: Tensor, orientation: float = 1.0) -> Tensor:
    """``S`` of n anchors (n, d) with m samples' vectors (m, M, d) and masks (m, M): (n, m); larger is nearer."""
    spanned = volumes(anchors, rows, present)
    if not orientation:
        return -spanned
    unit = F.normalize(rows.float().masked_fill(~present[..., None], 0.0), dim=-1)
    middle = unit.sum(1) / present.sum(1, keepdim=True).clamp(min=1)
    return orientation * (F.normalize(anchors.float(), dim=-1) @ middle.T) - spanned


def contrast(anchors: Tensor, rows: Tensor, present: Tensor, log_tau: Tensor, orientation: float = 1.0) -> Tensor:
    """``L_CCL`` of n anchors (n, d) and the n samples' vectors (n, M, d) with masks (n, M): a scalar, in nats.

    Samples that lack every modality are no match and no candidate; without two that have one there is nothing to tell
    apart, and the loss is 0.
    """
    some = present.any(-1)
    if int(some.sum()) < 2:
        return rows.sum() * 0.0
    found = scores(anchors[some], rows[some], present[some], orientation)
    logits = found / log_tau.exp().clamp(min=COLDEST)
    match = torch.arange(len(logits), device=logits.device)
    to_rows = F.cross_entropy(logits, match, label_smoothing=SMOOTHING)
    to_anchors = F.cross_entropy(logits.T, match, label_smoothing=SMOOTHING)
    return (to_rows + to_anchors) / 2


def distance(anchors: Tensor, fused: Tensor, some: Tensor) -> Tensor:
    """``L_near = mean_i (1 - cos(a_i, f_i))`` over the samples where ``some`` (n,): a scalar, 0 where there is none."""
    near = F.cosine_similarity(anchors.float(), fused.float(), dim=-1)
    return ((1 - near) * some).sum() / some.sum().clamp(min=1)


@dataclass(frozen=True)
class CCL:
    """``weight * (L_CCL + nearness * L_near)`` over ``batch`` samples at a time.

    They are drawn anew for every step, from torch's global generator.

    Anchors have no gradient: they are what the other side sent.
    """

    weight: float = 1.0
    orientation: float = 1.0
    nearness: float = 10.0
    """mu of ``L_CCL + mu L_near``; 0: none."""
    batch: int = 64
    """Encoding so many costs a tenth of a small language model's step."""

    def __post_init__(self) -> None:
        check(self.weight > 0, f"weight={self.weight} of CCL must be above 0, or it is left out: name it in `without`")
        check(self.orientation >= 0, f"orientation={self.orientation} must be 0 or above, or opposites attract")
        check(self.nearness >= 0, f"nearness={self.nearness} must be 0 or above, or samples flee from their anchors")

    def init(self) -> Mapping[str, Tensor]:
        """Its temperature."""
        return {"log_tau": init_tau()}

    def __call__(self, meeting: Meeting, params: Tree) -> Tensor:
        """What is added to the loss of a stage; nothing while no anchor is known."""
        if meeting.anchors is None:
            return torch.zeros(())
        chosen = torch.randperm(len(meeting.samples))[: self.batch]
        views = meeting.task.views(params, meeting.samples.take(chosen), meeting.client)
        anchors = meeting.anchors[chosen]
        told = contrast(anchors, views.alone, views.present, params["log_tau"], self.orientation)
        return self.weight * (told + self.nearness * distance(anchors, views.fused, views.present.any(-1)))
