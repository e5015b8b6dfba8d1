"""Mask-aware fusion of modality encodings, and the soft prompt that it conditions.

[paper] concat in a fixed modality order -> LayerNorm -> Linear -> fused_repr (256); an absent modality is masked.
[ours] Masked exactly: the LayerNorm's statistics run over the slots that are there, an absent slot is zero after it,
and a learned vector of that modality's absence is added instead. So nothing depends on what stood in an absent slot,
and a client needs no weights of slots that it cannot fill.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.models.dense import each_row, init_linear, linear, product
from mlecs_ray.models.encoders import ENCODED
from mlecs_ray.tree import Tree

FUSED = 256
"""Width of ``fused_repr`` [paper]."""
DROPOUT = 0.1
_EPS = 1e-5


def init_fusion(generator: torch.Generator, modalities: Sequence[str]) -> dict[str, Any]:
    """``slots/<m>`` (scale, shift and weight of one slot), ``absent/<m>`` and the ``bias`` they share."""
    bound = (ENCODED * len(modalities)) ** -0.5
    slots = {
        m: {
            "scale": torch.ones(ENCODED),
            "shift": torch.zeros(ENCODED),
            "weight": torch.empty(FUSED, ENCODED).uniform_(-bound, bound, generator=generator),
        }
        for m in modalities
    }
    return {"slots": slots, "absent": {m: torch.zeros(FUSED) for m in modalities}, "bias": torch.zeros(FUSED)}


def fuse(fusion: Tree, encodings: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
    """Encodings (n, 64) and masks (n,) by modality to ``fused_repr`` (n, 256).

    Modalities without an encoding are absent from every sample. Equal to LayerNorm and Linear over the concatenation
    where all are there: ``sum_m W_m (scale_m (z_m - mean) / std + shift_m) + bias``.
    """
    masks = {m: present[m].to(z.dtype)[:, None] for m, z in encodings.items()}
    kept = {m: z.masked_fill(~present[m][:, None], 0.0) for m, z in encodings.items()}
    width = ENCODED * _total(masks.values()).clamp(min=1)
    mean = _total(z.sum(1, keepdim=True) for z in kept.values()) / width
    spread = {m: (z - mean) * masks[m] for m, z in kept.items()}
    variance = _total(z.square().sum(1, keepdim=True) for z in spread.values()) / width
    n = len(mean)
    fused = each_row(fusion["bias"], n).expand(n, FUSED)
    for m, z in spread.items():
        slot = fusion["slots"][m]
        normal = (z * (variance + _EPS).rsqrt() * each_row(slot["scale"], n) + each_row(slot["shift"], n)) * masks[m]
        fused = fused + product(slot["weight"], normal) + (1 - masks[m]) * each_row(fusion["absent"][m], n)
    # Sorted: a set of names has another order in every process, and float sums have one of their own.
    for m in sorted(fusion["absent"].keys() - encodings.keys()):
        fused = fused + each_row(fusion["absent"][m], n)
    return fused


def _total(terms: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum(0)


def init_prompt(generator: torch.Generator, tokens: int, hidden: int) -> dict[str, Tensor]:
    """Linear 256 -> tokens * hidden."""
    return init_linear(generator, FUSED, tokens * hidden)


def soft_tokens(prompt: Tree, fused: Tensor, hidden: int, train: bool, mask: Tensor | None = None) -> Tensor:
    """``fused_repr`` (n, 256) to soft tokens (n, tokens, hidden): GELU -> dropout 0.1 -> Linear [paper].

    ``mask`` (n, 256) is the dropout to use instead of a new one.
    """
    wide = F.gelu(fused)
    flat = linear(prompt, F.dropout(wide, DROPOUT, train) if mask is None else wide * mask)
    return flat.view(len(fused), -1, hidden)
