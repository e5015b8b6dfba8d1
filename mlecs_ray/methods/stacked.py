"""The training loop of a cohort: ``fit`` of many clients as one stacked computation.

``fit`` in ``methods/local.py`` is its readable twin: tests hold every client equal to it, up to rounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from mlecs_ray.lazy import Lazy
from mlecs_ray.method import Client, Job
from mlecs_ray.methods.local import (
    Adjust,
    LocalTraining,
    annealed,
    differentiated,
    epoch_orders,
    left_of,
    require_samples,
    steps_of,
)
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive
from mlecs_ray.stacks import stack
from mlecs_ray.task import StackedTask
from mlecs_ray.tree import Tree, leaves, tree_map


@dataclass(frozen=True)
class Fits:
    """What ``fit_many`` gives, by client in the order of the jobs."""

    params: Tree
    """Learned, leaves (k, ...)."""
    sent: Tree
    """What they started from, leaves (k, ...)."""
    losses: list[float]
    """Each the mean over the samples as they were met."""


@dataclass(frozen=True)
class Plan:
    """Which samples every client meets at every step. Clients that take more steps come first."""

    order: list[int]
    """The client at each place, as a position among the jobs."""
    rows: Tensor
    """(k, steps, batch) int64: positions in the samples of all clients, one after another."""
    real: Tensor
    """(k, steps, batch) bool: False where a copy of a client's first row of that step fills up."""
    met: Tensor
    """(k, steps) int64: how many are real."""
    steps: list[int]
    """By place."""

    def active(self, step: int) -> int:
        """How many places still train at ``step``: the first so many."""
        return sum(step < steps for steps in self.steps)

    def batch(self, samples: Samples, step: int, n: int) -> tuple[Samples, Tensor]:
        """What the first ``n`` places meet at ``step``, (n * width) rows, and which of them are real, (n, width)."""
        width = int(self.met[:n, step].max())
        batch = samples.take(self.rows[:n, step, :width].flatten())
        return batch, self.real[:n, step, :width].to(batch.device)


def plan(local: LocalTraining, samples: Sequence[int], seeds: Sequence[int]) -> Plan:
    """The batches that ``methods.local.batches`` draws for each client of so many ``samples``."""
    steps = [steps_of(local, n) for n in samples]
    order = sorted(range(len(samples)), key=lambda i: -steps[i])
    sizes, seeds = [samples[i] for i in order], [seeds[i] for i in order]
    starts = np.cumsum([0, *samples])[order].tolist()
    per_epoch = [-(-n // local.batch) for n in sizes]
    epochs = max(-(-steps[i] // each) for i, each in zip(order, per_epoch, strict=True))
    rows = np.full((len(samples), epochs * max(per_epoch), min(local.batch, max(samples))), -1)
    for epoch in range(epochs):
        for mine, each, met, start in zip(rows, per_epoch, epoch_orders(sizes, seeds, epoch), starts, strict=True):
            mine[epoch * each : (epoch + 1) * each].reshape(-1)[: len(met)] = met + start
    for mine, i in zip(rows, order, strict=True):
        mine[steps[i] :] = -1
    real = rows >= 0
    filled = np.where(real, rows, rows[:, :, :1])
    held, counts = torch.from_numpy(real), torch.from_numpy(real.sum(2))
    return Plan(order, torch.from_numpy(filled), held, counts, [steps[i] for i in order])


@dataclass(frozen=True)
class _Stage:
    """The clients that still train: all leaves (n, ...)."""

    params: Tree
    state: Tree
    sent: Tree

    def first(self, n: int) -> "_Stage":
        return _Stage(_first(self.params, n), _first(self.state, n), _first(self.sent, n))


def _first(tree: Tree, n: int) -> Tree:
    # An optimiser's step count has no rows: it is that of all.
    return tree_map(lambda leaf: leaf[:n] if leaf.dim() else leaf, tree)


def fit_many(
    task: StackedTask,
    local: LocalTraining,
    jobs: Sequence[Job],
    datas: Sequence[Samples],
    adjust: Adjust | None = None,
) -> Fits:
    """Train every job on its own samples; raises InputError if one has none.

    The jobs share structure, modalities and the shapes of their trees. Who has taken all of its steps leaves the
    stack, so that nobody's optimiser goes on.
    """
    for job, data in zip(jobs, datas, strict=True):
        require_samples(job.client, len(data))
    todo = plan(local, [len(data) for data in datas], [job.seed for job in jobs])
    samples, client = Samples.concat(datas), jobs[0].client
    sent = stack([jobs[i].tree for i in todo.order])
    stage = _Stage(sent, local.optimizer.init(sent), sent)
    draws = Lazy(len(jobs), lambda place: _dropout(jobs[todo.order[place]].seed, samples.device))
    done: list[Tree] = []
    total = torch.zeros(len(jobs))
    for step in range(todo.steps[0]):
        n = todo.active(step)
        if n < len(draws):
            done.append(tree_map(lambda leaf, n=n: leaf[n:], stage.params))
            stage, draws = stage.first(n), draws.first(n)
        batch, real = todo.batch(samples, step, n)
        loss, grads = _gradient(task, stage.params, batch, real, client, draws)
        stage = _step(local, stage, grads, adjust, left_of(step, todo.steps[:n]) if local.anneal else None)
        total[:n] += loss.cpu() * todo.met[:n, step]
    ended = tree_map(lambda *parts: torch.cat(parts), stage.params, *reversed(done)) if done else stage.params
    return _in_order(todo.order, Fits(ended, sent, (total / todo.met.sum(1)).tolist()))


def _dropout(seed: int, device: torch.device) -> Generator:
    """The stream that ``fit`` seeds torch's own generator with."""
    return Generator(device).manual_seed(derive(seed, "dropout"))


def _gradient(
    task: StackedTask, params: Tree, batch: Samples, real: Tensor, client: Client, draws: Sequence[Generator]
) -> tuple[Tensor, Tree]:
    """Losses (n,) and gradients (n, ...); what one client learns depends on its rows alone."""
    return differentiated(lambda free: task.losses(free, batch, real, client, draws), params)


@torch.no_grad()
def _step(local: LocalTraining, stage: _Stage, grads: Tree, adjust: Adjust | None, left: Tensor | None) -> _Stage:
    grads = adjust(grads, stage.params, stage.sent) if adjust else grads
    grads = clipped_each(grads, local.clip) if local.clip else grads
    moved, state = local.optimizer.step(stage.params, grads, stage.state)
    params = moved if left is None else annealed(stage.params, moved, left)
    return _Stage(params, state, stage.sent)


def clipped_each(grads: Tree, limit: float) -> Tree:
    """``methods.local.clipped`` of every client: leaves (n, ...)."""
    norms = torch.stack([leaf.reshape(len(leaf), -1).norm(dim=1) for _, leaf in leaves(grads)]).norm(dim=0)
    factor = (limit / (norms + 1e-6)).clamp(max=1.0)
    return tree_map(lambda leaf: leaf * factor.view(-1, *[1] * (leaf.dim() - 1)), grads)


def _in_order(order: list[int], fits: Fits) -> Fits:
    """From the order of places to that of the jobs."""
    if order == sorted(order):
        return fits
    back = torch.tensor(order).argsort()
    return Fits(
        tree_map(lambda leaf: leaf[back], fits.params),
        tree_map(lambda leaf: leaf[back], fits.sent),
        [fits.losses[place] for place in back.tolist()],
    )
