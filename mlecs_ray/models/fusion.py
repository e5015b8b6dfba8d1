"""Mask-aware fusion of modality encodings, and the soft prompt that it conditions.

[paper] concat in a fixed modality order -> LayerNorm -> Linear -> fused_repr (256); an absent modality is masked.
[ours] Masked exactly: the LayerNorm's statistics run over the slots that are there, an absent slot is zero after it,
and a learned vector of that modality's absence is added instead. So nothing depends on what stood in an absent slot,
and a client needs no weights of slots that it cannot fill.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.models.dense import each_row, init_linear, linear, product
from mlecs_ray.models.encoders import ENCODED
from mlecs_ray.tree import Tree

Fuse = Callable[[Tree, Mapping[str, Tensor], Mapping[str, Tensor]], Tensor]
FUSED = 256
"""Width of ``fused_repr`` [paper]."""
DROPOUT = 0.1
_EPS = 1e-5
_DISTURBED = 0.1
"""How much of a random start there is beside a reading: soft tokens that are all the same would stay so."""


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


def pool(fusion: Tree, encodings: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
    """Another fusion, for devices whose senses come and go: the mean over those that are there. As ``fuse``, of the
    same leaves, but ``sum_m W_m (scale_m LN(z_m) + shift_m) / (how many are there) + bias + sum absent``.

    Every slot is normalised by itself, so that it reads the same whoever else is there.
    """
    masks = {m: present[m].to(z.dtype)[:, None] for m, z in encodings.items()}
    count = _total(masks.values()).clamp(min=1)
    n = len(count)
    fused = each_row(fusion["bias"], n).expand(n, FUSED)
    for m, z in encodings.items():
        slot, own = fusion["slots"][m], z.masked_fill(~present[m][:, None], 0.0)
        normal = F.layer_norm(own, (ENCODED,)) * each_row(slot["scale"], n) + each_row(slot["shift"], n)
        fused = fused + product(slot["weight"], normal * masks[m]) / count
        fused = fused + (1 - masks[m]) * each_row(fusion["absent"][m], n)
    return _without(fusion, encodings, fused)


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
    return _without(fusion, encodings, fused)


def _without(fusion: Tree, encodings: Mapping[str, Tensor], fused: Tensor) -> Tensor:
    """With the vectors of the modalities that no sample has."""
    # Sorted: a set of names has another order in every process, and float sums have one of their own.
    for m in sorted(fusion["absent"].keys() - encodings.keys()):
        fused = fused + each_row(fusion["absent"][m], len(fused))
    return fused


def _total(terms: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum(0)


FUSIONS: Mapping[str, Fuse] = {"fusion": fuse, "pooling": pool}
"""By the name of their leaves: structures that fuse in the same way share them."""


def init_prompt(
    generator: torch.Generator, tokens: int, hidden: int, reading: Tensor | None = None
) -> dict[str, Tensor]:
    """Linear 256 -> tokens * hidden: random, or ``reading`` (hidden, 256) for every token, a little disturbed."""
    drawn = init_linear(generator, FUSED, tokens * hidden)
    if reading is None:
        return drawn
    return {"weight": reading.repeat(tokens, 1) + _DISTURBED * drawn["weight"], "bias": torch.zeros(tokens * hidden)}


def soft_tokens(prompt: Tree, fused: Tensor, hidden: int, train: bool, mask: Tensor | None = None) -> Tensor:
    """``fused_repr`` (n, 256) to soft tokens (n, tokens, hidden): GELU -> dropout 0.1 -> Linear [paper].

    ``mask`` (n, 256) is the dropout to use instead of a new one.
    """
    wide = F.gelu(fused)
    flat = linear(prompt, F.dropout(wide, DROPOUT, train) if mask is None else wide * mask)
    return flat.view(len(fused), -1, hidden)
