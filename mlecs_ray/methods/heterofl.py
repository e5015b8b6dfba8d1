"""HeteroFL: each device trains the first channels of every layer, as many as it can (arXiv 2010.01264)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.method import Arrival, Client, Job, Predictor, Update, Work
from mlecs_ray.methods.checks import check
from mlecs_ray.methods.eclm.budgets import spare
from mlecs_ray.methods.local import LocalTraining, descend, require_samples, seen_of
from mlecs_ray.methods.pretrained import Pretrained, described, remembered
from mlecs_ray.methods.teacher import taught
from mlecs_ray.models.classifier import (
    ClassifierTask,
    Network,
    classes,
    cost_of,
    forward,
    labels_of,
    params_of,
)
from mlecs_ray.models.modular import whole
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive
from mlecs_ray.sim.population import CLOUD
from mlecs_ray.tree import Tree, tree_map, tree_sub

NETWORKS = ("mlp", "vgg", "resnet")
"""Whose first channels are a network of the same kind."""
_EDITION = 1
"""Of the offline training: what another one left in the cache is not used."""


@dataclass(frozen=True, eq=False)
class HeteroFL:
    """``W_r = W[:d_r, :k_r]``; element by element ``w += sum D_k / |holders|``, over those who hold it.

    A level is the widest of ``levels`` that fits what the device can spare, as ECLM counts it; the narrowest where none
    does. ``masked``: classes that a device does not own are left out of its loss. A pretrained network is trained on
    offline at all levels, taught by itself as it was: slices of a network that never was a slice are broken [ours]. The
    paper's scaler and static batch norm are left out, as group norms undo any scale and keep no statistics.
    """

    task: Pretrained | ClassifierTask
    local: LocalTraining
    share: float = 0.5
    """Of the whole network's memory, compute and bytes, on ``reference``: what a device may use."""
    reference: str = "phone-high"
    """A device with less of something than this one gets proportionally less of it."""
    masked: bool = True
    """Classes that a device does not own are left out of its loss."""
    least: float = 0.0
    """No device has less than this share of the whole network's memory, compute and bytes, before others take part."""
    levels: tuple[float, ...] = (1.0, 0.5, 0.25, 0.125, 0.0625)
    """Shares of the widths, the whole first. Finer ones use budgets better than the paper's, which these are."""
    offline_epochs: int = 10
    """Over the public samples, where there are any; 0: a slice begins as what it is of the pretrained network."""

    def __post_init__(self) -> None:
        check(self.share > 0, f"share={self.share} must be above 0, or no device can train")
        check(0 <= self.least <= 1, f"least={self.least} must lie in [0, 1], or no device has so much")
        check(self.offline_epochs >= 0, f"offline_epochs={self.offline_epochs} must be 0 or more: none, or so many")
        check(
            _descending(self.levels),
            f"levels={self.levels} must be numbers above 0 that fall from 1.0, each once, or one is no part of another",
        )
        kind = "one of your own" if self._network.make else self._network.kind
        check(kind in NETWORKS, f"heterofl needs task.network to be one of {NETWORKS}, not {kind}: no slice works")

    @property
    def _plain(self) -> ClassifierTask:
        return self.task.task if isinstance(self.task, Pretrained) else self.task

    @property
    def _network(self) -> Network:
        return self._plain.network

    @property
    def _widths(self) -> list[Network]:
        """The network at each level, the whole first."""
        return [self._network.narrowed(level) for level in self.levels]

    def init(self, seed: int) -> Tree:
        """The task's parameters are the whole state; those of a pretrained network, trained on at all levels."""
        task = self.task
        if not isinstance(task, Pretrained) or not self.offline_epochs:
            return task.init(seed)
        own = {"network": described(task.task), "levels": list(self.levels), "epochs": self.offline_epochs}
        recipe = {**own, "seed": seed, "edition": _EDITION, **task.offline.recipe()}
        return remembered("heterofl", recipe, lambda: self._trained(task, seed))

    def _trained(self, task: Pretrained, seed: int) -> Tree:
        """In every step the whole network and, by chance, a narrower level (the sandwich rule of arXiv 1903.05134)."""
        main, (full, *narrower) = task.init(seed), self._widths
        local = replace(task.offline.local, epochs=self.offline_epochs)

        def loss(params: Tree, batch: Samples) -> Tensor:
            x, labels = self._plain.inputs(batch), labels_of(batch)
            with torch.no_grad():
                known = forward(full.module, main, x)
            some = [narrower[int(torch.randint(len(narrower), (1,)))]] if narrower else []
            answers = (forward(one.module, _corners(params, _outline(one)), x) for one in (full, *some))
            return torch.stack([taught(answer, known, labels) for answer in answers]).mean()

        return descend(loss, main, local, task.offline.public, derive(seed, "levels")).params

    def outline(self) -> Tree:
        """The shapes of ``init``, untrained."""
        return self._plain.init(0)

    def level(self, client: Client) -> Network:
        """What this client trains; the whole network for whoever is no device."""
        if client.id == CLOUD:
            return self._network
        limit = spare(client, whole(self._network, self.local.batch), self.share, self.reference, self.least)
        fitting = (one for one in self._widths if (whole(one, self.local.batch) <= limit).all())
        return next(fitting, self._widths[-1])

    def assign(self, state: Tree, client: Client) -> Tree:
        """The first channels of every layer."""
        self._plain.require(client)
        return sliced(state, _outline(self.level(client)))

    def work(self, client: Client, tree: Tree) -> Work:
        """What its level costs; back comes a tree like the one sent."""
        require_samples(client, client.samples)
        cost = cost_of(self._narrow(tree), self.local.batch)
        return Work(cost.flops_per_sample * seen_of(self.local, client.samples), tree, cost.memory_bytes)

    def _narrow(self, tree: Tree) -> Network:
        """The level whose parameters these are."""
        return next(one for one in self._widths if _shapes(_outline(one)) == _shapes(tree))

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        """``D_k`` of the slice."""
        module, task, labels = self._narrow(job.tree).module, self._plain, labels_of(data)
        seen = labels.new_zeros(self._network.classes, dtype=torch.bool)
        seen[labels] = True

        def loss(params: Tree, batch: Samples) -> Tensor:
            logits = forward(module, params, task.inputs(batch))
            # Zero, as in its public code: a class that is not there neither gains nor loses.
            return F.cross_entropy(logits.masked_fill(~seen, 0.0) if self.masked else logits, labels_of(batch))

        learned = descend(loss, job.tree, self.local, data, job.seed)
        return Update(tree_sub(learned.params, job.tree), float(len(data)), metrics={"loss": learned.loss})

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        """Element by element, over those who hold it."""
        return merged(state, [arrival.update.tree for arrival in arrivals])

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        """The slice's own answers: nothing is kept."""
        module, task = self._narrow(tree).module, self._plain
        return lambda samples: classes(lambda batch: forward(module, tree, task.inputs(batch)), samples)


def _descending(levels: Sequence[float]) -> bool:
    """From 1.0, each above 0 and below the one before it."""
    if not levels or not all(isinstance(one, int | float) for one in levels):
        return False
    return levels[0] == 1.0 and levels[-1] > 0 and all(a > b for a, b in pairwise(levels))


@lru_cache(maxsize=64)
def _outline(network: Network) -> Tree:
    return params_of(network.module)


def _shapes(tree: Tree) -> dict[str, dict[str, torch.Size]]:
    return tree_map(lambda leaf: leaf.shape, tree)


def sliced(params: Tree, outline: Tree) -> Tree:
    """The leading part of every leaf, as large as that of ``outline``."""
    return tree_map(torch.clone, _corners(params, outline))


def _corners(params: Tree, outline: Tree) -> Tree:
    """The same as views."""
    return tree_map(lambda leaf, like: leaf[_corner(like)], params, outline)


def merged(state: Tree, updates: Sequence[Tree]) -> Tree:
    """``w + sum D_k / |holders|`` for each element; those that nobody holds stay."""

    def element(leaf: Tensor, *parts: Tensor) -> Tensor:
        total, count = torch.zeros_like(leaf), torch.zeros_like(leaf)
        for part in parts:
            total[_corner(part)] += part
            count[_corner(part)] += 1
        return leaf + total / count.clamp(min=1)

    return tree_map(element, state, *updates)


def _corner(like: Tensor) -> tuple[slice, ...]:
    return tuple(slice(0, size) for size in like.shape)
