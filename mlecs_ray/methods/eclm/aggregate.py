"""Aggregation module by module, over the devices that hold the module (arXiv 2311.11083)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mlecs_ray.method import Arrival
from mlecs_ray.methods.staleness import polynomial
from mlecs_ray.stacks import holders_mean
from mlecs_ray.tree import Tree, tree_add, tree_scale

_LEAST = 1e-12


class Share(NamedTuple):
    """One device's part in the mean of something that it holds."""

    tree: Tree
    weight: float
    fresh: float
    """``s(tau)``."""


def aggregate(state: Tree, arrivals: Sequence[Arrival], jobs: int, rate: float, power: float) -> Tree:
    """``w_i = (1 - a_i) w_i + a_i sum_k Imp_ik s_k w_ik / sum_k Imp_ik s_k`` over the devices U_i that hold module i;
    modules that nobody holds stay. ``s = (1 + tau)^-power``; ``base``, which all hold, goes by samples, not importance.

    In a round of all ``jobs`` at ``rate`` 1 with nobody late a_i is 1: the paper's rule. Where fewer are merged at a
    time, ``a_i = rate mean(s) |U_i| / max(|U_i|, use_i jobs)`` with ``use_i``, the share of devices that held the
    module of late, so that a module moves as far while ``jobs`` arrive one by one as in a round of them [ours].
    ``Arrival.client.told["importance"]`` and ``state["use"]`` are (L, N).
    """
    use = _used(state["use"], arrivals, jobs)
    expected = torch.zeros_like(use) if len(arrivals) >= jobs else use * jobs
    base = [Share(a.update.tree["base"], a.update.weight, polynomial(a.staleness, power)) for a in arrivals]
    moved = _moved(state["base"], base, rate, 0.0 if len(arrivals) >= jobs else float(jobs))
    layers = {
        layer: {
            module: _moved(
                tree,
                _holders(arrivals, (int(layer), int(module)), power),
                rate,
                float(expected[int(layer), int(module)]),
            )
            for module, tree in modules.items()
        }
        for layer, modules in state["layers"].items()
    }
    return {**state, "base": moved, "layers": layers, "use": use}


def _holders(arrivals: Sequence[Arrival], place: tuple[int, int], power: float) -> list[Share]:
    """Of those that hold the module, each with its importance there."""
    layer, module = map(str, place)
    return [
        Share(held[module], float(a.client.told["importance"][place]), polynomial(a.staleness, power))
        for a in arrivals
        if module in (held := a.update.tree.get("layers", {}).get(layer, {}))
    ]


def _moved(tree: Tree, shares: Sequence[Share], rate: float, expected: float) -> Tree:
    """``tree`` on its way to the mean of what is held; as it is where nobody holds it."""
    if not shares:
        return tree
    # A gate is never 0, but a number of 32 bits may be.
    mean = holders_mean((share.tree, max(share.weight, _LEAST) * share.fresh) for share in shares)
    fresh = sum(share.fresh for share in shares) / len(shares)
    step = rate * fresh * len(shares) / max(len(shares), expected)
    return mean if step == 1 else tree_add(tree_scale(tree, 1 - step), mean, step)


def _used(use: Tensor, arrivals: Sequence[Arrival], jobs: int) -> Tensor:
    """The running share of devices that hold each module; every arrival counts one part in ``jobs``."""
    for arrival in arrivals:
        held = torch.zeros_like(use)
        for layer, modules in arrival.update.tree.get("layers", {}).items():
            held[int(layer), [int(module) for module in modules]] = 1.0
        use = use + (held - use) / jobs
    return use
