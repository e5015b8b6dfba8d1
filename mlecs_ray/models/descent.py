"""The training loop of build steps, over all weights of a model, with a rate that climbs and falls."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

_WARMUP = 0.1
MATRICES = 100
"""So many times the rate is Muon's. At 0.1 a model of 19 million weights learned to read a soft prompt in 100 steps as
well as in 250 of AdamW."""


def trained(
    model: Any, next_loss: Callable[[], Tensor], steps: int, lr: float, also: Sequence[Tensor] = ()
) -> list[float]:
    """Train all of ``model``, and ``also`` these, in place, on what ``next_loss`` gives; the loss of each step.

    Muon (K. Jordan et al., 2024) moves the matrices within the layers at ``100 lr``, AdamW the word vectors and all
    that is no matrix at ``lr``; both rates are peaks.
    """
    matrices, others = _sorted(model, also)
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(others, lr=lr, betas=(0.9, 0.95), weight_decay=0.01, fused=True)
    ]
    if matrices:
        optimizers.append(torch.optim.Muon(matrices, lr=MATRICES * lr, weight_decay=0.0))
    schedules = [torch.optim.lr_scheduler.LambdaLR(one, lambda step: rate(step, steps)) for one in optimizers]
    losses = []
    model.train()
    for _ in range(steps):
        loss = next_loss()
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch does not type it
        torch.nn.utils.clip_grad_norm_([*matrices, *others], 1.0)
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
        losses.append(round(loss.item(), 4))
    model.eval()
    return losses


def _sorted(model: Any, also: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The matrices within the layers, and all other parameters: word vectors, norms, biases."""
    words = {id(module.weight) for module in model.modules() if isinstance(module, torch.nn.Embedding)}
    head = getattr(model, "get_output_embeddings", lambda: None)()
    words |= {id(head.weight)} if head is not None else set()
    weights = [*model.parameters(), *also]
    matrices = [p for p in weights if p.ndim == 2 and id(p) not in words]
    inside = {id(p) for p in matrices}
    return matrices, [p for p in weights if id(p) not in inside]


def rate(step: int, steps: int) -> float:
    """Share of the peak rate: a straight line up, then half a cosine down."""
    warmup = max(1, round(steps * _WARMUP))
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
