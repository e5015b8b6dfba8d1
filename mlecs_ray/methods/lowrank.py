"""Merging low-rank adapters ``B A``, also where clients' ranks differ.

An adapter of rank r is ``A`` (r, inputs) and ``B`` (outputs, r); what it adds to a matrix is ``B A`` (times a scale
that is the same for all). Averaging A and B apart is biased, as ``mean(B) mean(A)`` is not ``mean(B A)``; stacking
(FLoRA) is exact, a singular value decomposition (FlexLoRA) exact up to the rank that is kept.

Every rule takes the server's adapters and uploads with their shares q_k, and leaves the rest, ``q_0 = 1 - sum q_k``,
to what the server had: shares that sum to 1 replace it. A client of rank r is sent the first r rows of A and columns
of B (``models.lora.cut``).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.tree import Tree

Rule = Literal["mean", "hetlora", "flexlora", "flora"]
AVERAGES: tuple[Rule, ...] = ("mean", "hetlora")
"""Rules whose merged adapters are averages of the clients', factor by factor: they and a client's own can be mixed."""
Adapter = Mapping[str, Tensor]
Shared = Sequence[tuple[Adapter, float]]
_TINY = 1e-7
"""A singular value below this share of the largest is none."""


def empty(adapters: Tree) -> dict[str, dict[str, Tensor]]:
    """Of the same modules, rank 0: what ``flora`` starts from, as nothing was learned yet."""
    return {module: {"A": one["A"][:0], "B": one["B"][:, :0]} for module, one in adapters.items()}


def beside(first: Tree, second: Tree) -> dict[str, dict[str, Tensor]]:
    """Both at once: ``B_1 A_1 + B_2 A_2``."""
    return {
        module: {
            "A": torch.cat([first[module]["A"], one["A"]]),
            "B": torch.cat([first[module]["B"], one["B"]], dim=1),
        }
        for module, one in second.items()
    }


def added(adapters: Tree, change: Tree) -> dict[str, dict[str, Tensor]]:
    """``adapters`` with a change of some modules, of their rank or less: that of their first ranks."""
    changed = {}
    for module, one in adapters.items():
        if module not in change:
            changed[module] = dict(one)
            continue
        a, b = (change[module][side] for side in "AB")
        spare = one["A"].shape[0] - a.shape[0]
        changed[module] = {"A": one["A"] + F.pad(a, (0, 0, 0, spare)), "B": one["B"] + F.pad(b, (0, spare))}
    return changed


def merge(rule: Rule, current: Tree, uploads: Sequence[tuple[Tree, float]]) -> dict[str, dict[str, Tensor]]:
    """``current`` adapters by module, with each upload's share of them; modules that nobody holds stay.

    Shares are per upload; over the holders of a module they are brought to the same sum, so that a module which few
    hold learns as fast as one that all do.
    """
    total = sum(share for _, share in uploads)
    merged = {}
    for module, one in current.items():
        held = [(tree[module], share) for tree, share in uploads if module in tree]
        mass = sum(share for _, share in held)
        scaled = [(adapter, share * total / mass) for adapter, share in held] if mass > 0 else []
        merged[module] = RULES[rule](one, scaled) if scaled else dict(one)
    return merged


def averaged(current: Adapter, held: Shared) -> dict[str, Tensor]:
    """``A[i] = q_0 A[i] + sum_k q_k A_k[i]`` and so for columns of B, rank by rank over those that have it.

    FedAvg where ranks are equal; where they differ this is FediLoRA's dimension-wise mean (arXiv 2509.06984): a rank
    that a client lacks does not pull towards zero.
    """
    total = sum(share for _, share in held)
    a, b = current["A"].clone(), current["B"].clone()
    for i in range(len(a)):
        having = [(one, share) for one, share in held if i < len(one["A"])]
        mass = sum(share for _, share in having)
        if mass > 0:
            a[i] = (1 - total) * a[i] + sum(one["A"][i] * (share * total / mass) for one, share in having)
            b[:, i] = (1 - total) * b[:, i] + sum(one["B"][:, i] * (share * total / mass) for one, share in having)
    return {"A": a, "B": b}


def padded(current: Adapter, held: Shared) -> dict[str, Tensor]:
    """HetLoRA (arXiv 2401.06432): zero-padded to the server's rank, weighted by ``||B_k A_k||_F``.

    Without its self-pruning of ranks: a client's rank is its device's. ``q_k`` counts as the upload's share of the
    mass: ``q_k ||B_k A_k|| / sum_j q_j ||B_j A_j||`` of it is its own.
    """
    total = sum(share for _, share in held)
    norms = [share * float(_product_norm(one)) for one, share in held]
    if not sum(norms) > 0:
        norms = [share for _, share in held]
    weights = [total * norm / sum(norms) for norm in norms]
    rank = len(current["A"])
    a, b = (1 - total) * current["A"], (1 - total) * current["B"]
    for (one, _), weight in zip(held, weights, strict=True):
        missing = rank - len(one["A"])
        a = a + weight * torch.nn.functional.pad(one["A"], (0, 0, 0, missing))
        b = b + weight * torch.nn.functional.pad(one["B"], (0, missing))
    return {"A": a, "B": b}


def stacked(current: Adapter, held: Shared) -> dict[str, Tensor]:
    """FLoRA (arXiv 2409.05976): ``A = [A_0; q_1 A_1; ..]``, ``B = [B_0, B_1, ..]``: ``B_0 A_0 + sum q_k B_k A_k``.

    Uploads are what clients learned on top of ``current``, which is kept whole; the rank grows by theirs, up to the
    rank that any matrix of this shape can have.
    """
    a = torch.cat([current["A"], *[share * one["A"] for one, share in held]])
    b = torch.cat([current["B"], *[one["B"] for one, _ in held]], dim=1)
    whole = min(b.shape[0], a.shape[1])
    return {"A": a, "B": b} if len(a) <= whole else _factored(b, a, whole, a[:whole])


def decomposed(current: Adapter, held: Shared) -> dict[str, Tensor]:
    """FlexLoRA (arXiv 2402.11505): the singular values of ``q_0 B A + sum_k q_k B_k A_k``, cut to the server's rank.

    ``U S V^T`` is written ``B = U sqrt(S)``, ``A = sqrt(S) V^T``, largest first, so that ``models.lora.cut`` gives each
    client the best approximation of its own rank.
    """
    rest = 1 - sum(share for _, share in held)
    a = torch.cat([rest * current["A"], *[share * one["A"] for one, share in held]])
    b = torch.cat([current["B"], *[one["B"] for one, _ in held]], dim=1)
    return _factored(b, a, len(current["A"]), current["A"])


def _factored(b: Tensor, a: Tensor, rank: int, spare: Tensor) -> dict[str, Tensor]:
    """The largest ``rank`` singular directions of ``b a``, found in the small space that its factors span.

    Where there are fewer, A is filled up by ``spare`` (rank, inputs) and B by zeros: the product is the same, and a
    gradient still finds its way, which it would not between two zeros.
    """
    outer, left = torch.linalg.qr(b.double())
    inner, right = torch.linalg.qr(a.double().T)
    u, s, v = torch.linalg.svd(left @ right.T)
    found = min(rank, int((s > _TINY * s[0]).sum()) if s[0] > 0 else 0)
    root = s[:found].sqrt()
    new_a = (inner @ v[:found].T * root).T.to(a.dtype)
    new_b = (outer @ u[:, :found] * root).to(b.dtype)
    missing = rank - found
    return {
        "A": torch.cat([new_a, spare[found:rank].to(a.dtype)]),
        "B": torch.nn.functional.pad(new_b, (0, missing)),
    }


def _product_norm(one: Adapter) -> Tensor:
    """``||B A||_F`` without the product: ``sqrt(sum (B^T B) * (A A^T))``."""
    return ((one["B"].T @ one["B"]) * (one["A"] @ one["A"].T)).sum().clamp(min=0).sqrt()


RULES: Mapping[Rule, Callable[[Adapter, Shared], dict[str, Tensor]]] = {
    "mean": averaged,
    "hetlora": padded,
    "flexlora": decomposed,
    "flora": stacked,
}
"""By the name that scenarios use."""
