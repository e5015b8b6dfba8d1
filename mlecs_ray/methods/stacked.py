"""The training loop of a cohort: ``fit`` of many clients as one stacked computation.

``fit`` in ``methods/local.py`` is its readable twin: tests hold every client equal to it, up to rounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from mlecs_ray.method import Client, Job
from mlecs_ray.methods.local import Adjust, LocalTraining, differentiated, drawn, require_samples, steps_of
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive
from mlecs_ray.task import StackedTask
from mlecs_ray.tree import Tree, leaves, stack, tree_map


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
    """(k, steps, batch) int64: positions in the samples of all clients, one after another; -1 fills up."""
    steps: list[int]
    """By place."""

    def active(self, step: int) -> int:
        """How many places still train at ``step``: the first so many."""
        return sum(step < steps for steps in self.steps)


def plan(local: LocalTraining, samples: Sequence[int], seeds: Sequence[int]) -> Plan:
    """The batches that ``methods.local.batches`` draws for each client of so many ``samples``."""
    steps = [steps_of(local, n) for n in samples]
    order = sorted(range(len(samples)), key=lambda i: -steps[i])
    starts = np.cumsum([0, *samples])
    rows = np.full((len(samples), max(steps), min(local.batch, max(samples))), -1)
    for place, i in enumerate(order):
        for row, part in zip(rows[place], drawn(local, samples[i], seeds[i]), strict=False):
            row[: len(part)] = part + starts[i]
    return Plan(order, torch.from_numpy(rows), [steps[i] for i in order])


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
    draws = [_generator(jobs[i].seed, samples) for i in todo.order]
    done: list[Tree] = []
    total, seen = torch.zeros(len(jobs)), torch.zeros(len(jobs))
    for step in range(todo.steps[0]):
        n = todo.active(step)
        if n < len(draws):
            done.append(tree_map(lambda leaf, n=n: leaf[n:], stage.params))
            stage, draws = stage.first(n), draws[:n]
        rows = todo.rows[:n, step]
        loss, grads = _gradient(task, stage.params, samples, rows, client, draws)
        stage = _step(local, stage, grads, adjust)
        met = (rows >= 0).sum(1)
        total[:n] += loss.cpu() * met
        seen[:n] += met
    ended = tree_map(lambda *parts: torch.cat(parts), stage.params, *reversed(done)) if done else stage.params
    return _in_order(todo.order, Fits(ended, sent, (total / seen).tolist()))


def _generator(seed: int, samples: Samples) -> Generator:
    """The stream of dropout that ``fit`` seeds torch's own generator with."""
    device = next(iter(samples.present.values())).device
    return torch.Generator(device).manual_seed(derive(seed, "dropout"))


def _gradient(
    task: StackedTask, params: Tree, samples: Samples, rows: Tensor, client: Client, draws: Sequence[Generator]
) -> tuple[Tensor, Tree]:
    """Losses (n,) and gradients (n, ...) on these rows (n, batch); what one client learns depends on its rows alone."""
    real = rows >= 0
    width = int(real.sum(1).max())
    rows, real = rows[:, :width], real[:, :width]
    batch = samples.take(torch.where(real, rows, rows[:, :1]).flatten())
    real = real.to(draws[0].device)
    return differentiated(lambda free: task.losses(free, batch, real, client, draws), params)


@torch.no_grad()
def _step(local: LocalTraining, stage: _Stage, grads: Tree, adjust: Adjust | None) -> _Stage:
    grads = adjust(grads, stage.params, stage.sent) if adjust else grads
    grads = clipped_each(grads, local.clip) if local.clip else grads
    params, state = local.optimizer.step(stage.params, grads, stage.state)
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
