"""A decomposed network with its selector: what a sub-model of it answers, and what each module costs."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from mlecs_ray.models import flops
from mlecs_ray.models.classifier import Network, cost_of, load, seeded
from mlecs_ray.models.decompose import Decomposed, Grain, applied, decompose, weights
from mlecs_ray.models.selector import Selector
from mlecs_ray.seeds import derive
from mlecs_ray.tree import Tree, tree_bytes

Numbers = NDArray[np.float64]
RESOURCES = ("memory", "compute", "bandwidth")
"""Bytes while it trains, FLOPs of a sample forward and backward, bytes on the wire."""


class Costs(NamedTuple):
    """What the parts of a modular model cost, by ``RESOURCES``."""

    base: Numbers
    """(3,): what every device has, the selector included, which is not trained and came with the first question."""
    selector: Numbers
    """(3,): its part of these."""
    modules: Numbers
    """(3, L, N); compute and memory as if every sample passed the module."""
    whole: Numbers
    """(3,): of the network before it was decomposed."""


@dataclass(frozen=True)
class Modular:
    """``network`` decomposed by ``grain``; a sample passes ``top`` modules of each layer."""

    network: Network
    grain: Grain
    top: int = 4

    @property
    def body(self) -> Decomposed:
        """The network of modules; its own weights mean nothing."""
        return _body(self.network, self.grain)

    @property
    def selector(self) -> Selector:
        """What gives the gates."""
        form = self.network.form
        return Selector(form, *self.body.shape, min(self.top, self.grain.modules))

    def init(self, seed: int, known: Tree | None = None) -> Tree:
        """``base``, ``layers`` and ``selector``: from the network with the parameters ``known``, by part; or fresh."""
        whole = self.network.fresh(seed)
        if known is not None:
            load(whole, known)
        made = seeded(derive(seed, "modules"), lambda: decompose(whole, self.network.form, self.grain))
        chance = Generator().manual_seed(derive(seed, "selector"))
        return {**made.params, "selector": self.selector.init(chance)}

    def logits(self, params: Tree, selector: Tree, x: Tensor, held: Tensor | None = None) -> Tensor:
        """(n, *form) to (n, classes), through the best of the modules that are ``held`` (L, N; None: all)."""
        with torch.no_grad():
            gates = self.selector.gates(self.selector.scores(selector, x), held)
        return self.body.forward(params, x, gates)

    @torch.no_grad()
    def importance(self, selector: Tree, x: Tensor) -> Tensor:
        """(L, N): the mean gate of each module over these samples, before any is left out; a layer sums to 1."""
        return self.selector.scores(selector, x).softmax(-1).mean(0)

    @property
    def outline(self) -> Tree:
        """``base`` and ``layers``, of the right shapes."""
        return _outline(self)

    def part(self, params: Tree, held: Tensor) -> Tree:
        """The sub-model of these modules (L, N): its ``base`` and ``layers``."""
        return self.body.part(params, held)

    def costs(self, batch: int) -> Costs:
        """Counted once, for batches of this size."""
        return _costs(self, batch)


@lru_cache(maxsize=32)
def _body(network: Network, grain: Grain) -> Decomposed:
    return decompose(network.module, network.form, grain)


@lru_cache(maxsize=32)
def _outline(model: Modular) -> Tree:
    return model.body.params


def whole(network: Network, batch: int) -> Numbers:
    """(3,), by ``RESOURCES``: of training all of a network on batches of this size."""
    cost, sent = cost_of(network, batch), sum(leaf.nbytes for leaf in network.module.parameters())
    return np.array([cost.memory_bytes, cost.flops_per_sample, float(sent)])


@lru_cache(maxsize=32)
def _costs(model: Modular, batch: int) -> Costs:
    base = np.zeros(3)
    modules = np.zeros((3, *model.body.shape))
    # What reads the network's own input passes no gradient on.
    x, layer, behind = torch.zeros(batch, *model.network.form), 0, False
    # Forward alone: two FLOPs for each weight, once at each place.
    selector = np.array([model.selector.carried_bytes, 2.0 * model.selector.multiplications, 0.0])
    for _, part in model.body.order:
        if isinstance(part, tuple):
            # The residual module, the last, costs nothing that a budget would notice.
            modules[:, layer, :-1] = np.stack([_cost(one, x, behind) for one in part[:-1]], 1)
            x, layer, behind = part[-1](x), layer + 1, True
        else:
            base += _cost(part, x, behind)
            x, behind = part(x).detach(), behind or bool(weights(part))
    return Costs(base + selector, selector, modules, whole(model.network, batch))


def _cost(module: nn.Module, x: Tensor, onwards: bool) -> Numbers:
    """(3,) of one part on a batch ``x``, forward and backward: ``onwards`` to what comes before it, or no farther."""
    tree = weights(module)
    if not tree and not onwards:
        # Nothing to go back for, and no products without weights.
        return np.zeros(3)
    params, inputs = flops.zeros(tree), x.clone().requires_grad_(onwards)
    step = flops.count(lambda: applied(module, params, inputs).sum())
    sent = float(tree_bytes(tree))
    return np.array([flops.trained_bytes(tree) + step.saved_bytes, step.flops / len(x), sent])
