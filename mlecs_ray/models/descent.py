"""The training loop of build steps: AdamW over all weights of a model, with a rate that climbs and falls."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_WARMUP = 0.1


def trained(model: Any, next_loss: Callable[[], Tensor], steps: int, lr: float) -> list[float]:
    """Train all of ``model``, in place, by AdamW on what ``next_loss`` gives; the loss of each step."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.95), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps))
    losses = []
    model.train()
    for _ in range(steps):
        loss = next_loss()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch does not type it
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(round(loss.item(), 4))
    model.eval()
    return losses


def rate(step: int, steps: int) -> float:
    """Share of the peak rate: a straight line up, then half a cosine down."""
    warmup = max(1, round(steps * _WARMUP))
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
