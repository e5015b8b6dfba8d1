"""The one training loop of the clients: mini-batches, a gradient, an optional correction, a pure optimiser step."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mlecs_ray.draws import seed_torch
from mlecs_ray.errors import InputError
from mlecs_ray.method import Client, Job
from mlecs_ray.methods.checks import check
from mlecs_ray.methods.optimizers import Optimizer
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive
from mlecs_ray.streams import orders
from mlecs_ray.task import Task
from mlecs_ray.tree import Tree, from_leaves, leaves, tree_map

Adjust = Callable[[Tree, Tree, Tree], Tree]
"""``adjust(grads, params, sent)`` gives the gradients to use instead: a proximal pull, a control variate, noise."""


@dataclass(frozen=True)
class LocalTraining:
    """How long and how a client trains: ``epochs`` over its data, but at most ``steps`` mini-batches of ``batch``."""

    optimizer: Optimizer
    batch: int
    epochs: int = 1
    steps: int | None = None
    """None: no limit but the epochs."""
    clip: float | None = None
    """Largest norm of the (adjusted) gradient over all leaves; None: no limit."""
    anneal: bool = False
    """The rate falls over a job, in a straight line from the optimiser's to nothing."""

    def __post_init__(self) -> None:
        check(self.batch >= 1, f"batch={self.batch} must be at least 1, or no step has samples")
        check(self.epochs >= 1, f"epochs={self.epochs} must be at least 1, or nothing is learned")
        check(self.steps is None or self.steps >= 1, f"steps={self.steps} must be at least 1, or nothing is learned")
        check(self.clip is None or self.clip > 0, f"clip={self.clip} must be above 0, or every gradient becomes zero")


class Fit(NamedTuple):
    """What ``fit`` gives: the learned parameters, the mean loss over the samples as they were met, and the steps."""

    params: Tree
    loss: float
    steps: int


def steps_of(local: LocalTraining, samples: int) -> int:
    """Optimiser steps of one job on so many samples: known before it starts."""
    steps = local.epochs * -(-samples // local.batch)
    return steps if local.steps is None else min(steps, local.steps)


def seen_of(local: LocalTraining, samples: int) -> int:
    """Samples that one job runs forward and backward; the last batch of an epoch may be a part of one."""
    if not samples:
        return 0
    epochs, rest = divmod(steps_of(local, samples), -(-samples // local.batch))
    return epochs * samples + rest * local.batch


def require_samples(client: Client, samples: int) -> None:
    """Raise InputError for a client that owns nothing."""
    if samples < 1:
        raise InputError(
            f"client {client.id} has {samples} samples; it needs at least 1, or a job has nothing to learn"
        )


def batches(local: LocalTraining, samples: int, seed: int) -> Iterator[Tensor]:
    """Positions of each mini-batch, int64: every epoch in a new order, from the job's own stream."""
    epochs = (torch.from_numpy(epoch_orders([samples], [seed], epoch)[0]) for epoch in range(local.epochs))
    return islice((rows for order in epochs for rows in torch.split(order, local.batch)), steps_of(local, samples))


def epoch_orders(samples: Sequence[int], seeds: Sequence[int], epoch: int) -> list[NDArray[np.int64]]:
    """In which order jobs of these seeds meet so many samples each in their epoch, counted from 0."""
    return orders([derive(seed, "batches", epoch) for seed in seeds], samples)


def fit(task: Task, local: LocalTraining, job: Job, data: Samples, adjust: Adjust | None = None) -> Fit:
    """Train ``job.tree``, whose leaves stay as they are; the same job gives the same bytes.

    Raises InputError if ``data`` is empty.
    """
    require_samples(job.client, len(data))
    change = (lambda grads, params: adjust(grads, params, job.tree)) if adjust else None
    return descend(lambda params, batch: task.loss(params, batch, job.client), job.tree, local, data, job.seed, change)


def descend(
    loss: Callable[[Tree, Samples], Tensor],
    params: Tree,
    local: LocalTraining,
    data: Samples,
    seed: int,
    adjust: Callable[[Tree, Tree], Tree] | None = None,
) -> Fit:
    """Bring ``loss`` down from ``params`` on mini-batches of ``data``; ``adjust(grads, params)`` as in ``fit``."""
    state, steps = local.optimizer.init(params), steps_of(local, len(data))
    total, seen = torch.zeros(()), 0
    # Dropout draws from torch's global generator; whoever called us finds it as it was.
    with torch.random.fork_rng(devices=[]):
        seed_torch(derive(seed, "dropout"))
        for step, rows in enumerate(batches(local, len(data), seed)):
            batch = data.take(rows)
            found, grads = differentiated(partial(_of, loss, batch), params)
            with torch.no_grad():
                grads = adjust(grads, params) if adjust else grads
                grads = clipped(grads, local.clip) if local.clip else grads
                moved, state = local.optimizer.step(params, grads, state)
                params = annealed(params, moved, left_of(step, [steps])[0]) if local.anneal else moved
            total, seen = total + found.cpu() * len(rows), seen + len(rows)
    return Fit(params, float(total) / seen, steps)


def _of(loss: Callable[[Tree, Samples], Tensor], batch: Samples, params: Tree) -> Tensor:
    return loss(params, batch)


def differentiated(loss: Callable[[Tree], Tensor], params: Tree) -> tuple[Tensor, Tree]:
    """What ``loss`` gives at ``params`` and the gradients of its sum; zeros for leaves that it does not use."""
    paths, tensors = zip(*leaves(params), strict=True)
    with torch.enable_grad():
        free = [tensor.detach().requires_grad_() for tensor in tensors]
        found = loss(from_leaves(zip(paths, free, strict=True)))
        grads = torch.autograd.grad(found.sum(), free, materialize_grads=True)
    return found.detach(), from_leaves(zip(paths, grads, strict=True))


def annealed(params: Tree, moved: Tree, left: Tensor) -> Tree:
    """A step from ``params`` to ``moved`` made as long as is ``left`` of the rate, in which all optimisers are linear.

    ``left`` is () or, for leaves of (n, ...), (n,).
    """

    def shorter(old: Tensor, new: Tensor) -> Tensor:
        share = left.to(old.device, old.dtype)
        return torch.lerp(old, new, share.view(*share.shape, *[1] * (old.dim() - share.dim())))

    return tree_map(shorter, params, moved)


def left_of(step: int, steps: Sequence[int]) -> Tensor:
    """(n,) what is left of the rate at ``step``, counted from 0, in jobs of so many steps."""
    return 1 - step / torch.tensor(steps, dtype=torch.float32)


def clipped(grads: Tree, limit: float) -> Tree:
    """``g min(1, limit / ||g||)``, the norm over all leaves, as ``torch.nn.utils.clip_grad_norm_`` has it."""
    norm = torch.stack([leaf.norm() for _, leaf in leaves(grads)]).norm()
    factor = (limit / (norm + 1e-6)).clamp(max=1.0)
    return tree_map(lambda leaf: leaf * factor, grads)
