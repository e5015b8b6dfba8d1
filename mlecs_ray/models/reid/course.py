"""A course of training that can be cut short and goes on to the same end: each step draws from its own seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mlecs_ray.draws import seed_torch
from mlecs_ray.errors import InputError
from mlecs_ray.models.descent import rate
from mlecs_ray.seeds import derive

_FILE = "course.pt"


@dataclass(frozen=True)
class Course:
    """AdamW; its rate climbs over the first tenth and falls by half a cosine to ``floor`` of its peak."""

    steps: int
    lr: float
    floor: float = 0.1
    """[paper: 1e-6 of 1e-5]"""
    weight_decay: float = 0.01
    clip: float = 1.0
    """Largest norm of a gradient over all parameters."""
    keep_every: int = 50
    """Steps after which what was learned so far is written down."""

    def __post_init__(self) -> None:
        if self.steps < 0 or self.keep_every < 1:
            raise InputError(
                f"steps={self.steps} must be 0 or more and keep_every={self.keep_every} 1 or more, or it never ends"
            )
        if not (self.lr > 0 and 0 <= self.floor <= 1 and self.weight_decay >= 0 and self.clip > 0):
            raise InputError(
                f"lr={self.lr} and clip={self.clip} must be above 0, weight_decay={self.weight_decay} 0 or more and "
                f"floor={self.floor} in [0, 1], or nothing sensible is learned"
            )


@dataclass(frozen=True)
class Group:
    """Parameters that learn at ``pace`` times the course's rate."""

    parameters: Sequence[nn.Parameter]
    pace: float = 1.0


def take(
    course: Course,
    learner: nn.Module,
    groups: Sequence[Group],
    loss: Callable[[int], Tensor],
    seed: int,
    folder: Path | None = None,
) -> list[float]:
    """Train ``groups``, which are ``learner``'s, in place on ``loss(step)``; the loss of every step.

    With a ``folder``, goes on from what was written there, and writes there: whoever is stopped and called again ends
    with the same bytes. What is written is all of ``learner`` that trains, and its buffers.
    """
    optimizer = torch.optim.AdamW(
        [{"params": list(one.parameters), "lr": course.lr * one.pace} for one in groups],
        weight_decay=course.weight_decay,
    )
    peaks = [group["lr"] for group in optimizer.param_groups]
    every = [p for one in groups for p in one.parameters]
    losses = _resumed(folder, learner, optimizer)
    with torch.random.fork_rng(devices=[]):
        for step in range(len(losses), course.steps):
            share = course.floor + (1 - course.floor) * rate(step, course.steps)
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * share
            seed_torch(derive(seed, "step", step))
            losses.append(_stepped(optimizer, loss(step), every, course.clip))
            if folder is not None and (step + 1) % course.keep_every == 0:
                _write(folder, learner, optimizer, losses)
    return losses


def _stepped(optimizer: torch.optim.Optimizer, loss: Tensor, every: Sequence[nn.Parameter], clip: float) -> float:
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # torch does not type it
    nn.utils.clip_grad_norm_(every, clip)
    optimizer.step()
    return loss.item()


def learned(learner: nn.Module) -> dict[str, Tensor]:
    """All that trains, and the buffers, by name."""
    trained = {name: p.detach() for name, p in learner.named_parameters() if p.requires_grad}
    return trained | dict(learner.named_buffers())


def restore(learner: nn.Module, values: dict[str, Tensor]) -> None:
    """Give ``learner`` what ``learned`` gave of one like it. Raises InputError where it is of another."""
    mine = learned(learner)
    wrong = sorted(mine.keys() ^ values.keys()) or [n for n in mine if mine[n].shape != values[n].shape]
    if wrong:
        raise InputError(f"{wrong[0]} is not the same in what was written and in the model, so it cannot go on from it")
    learner.load_state_dict(values, strict=False)


def _write(folder: Path, learner: nn.Module, optimizer: torch.optim.Optimizer, losses: list[float]) -> None:
    part = folder / f".{_FILE}.part"
    torch.save({"learned": learned(learner), "optimizer": optimizer.state_dict(), "losses": losses}, part)
    part.replace(folder / _FILE)


def _resumed(folder: Path | None, learner: nn.Module, optimizer: torch.optim.Optimizer) -> list[float]:
    if folder is None or not (folder / _FILE).exists():
        return []
    kept: dict[str, Any] = torch.load(folder / _FILE, weights_only=True)
    restore(learner, kept["learned"])
    optimizer.load_state_dict(kept["optimizer"])
    return list(kept["losses"])
