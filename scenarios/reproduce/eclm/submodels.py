"""How large the sub-models are that devices hold when a run ends, by the device model that budgets are counted in."""

from collections.abc import Mapping
from statistics import mean

from torch import Tensor

from mlecs_ray.method import Method
from mlecs_ray.methods.eclm.system import ModularCloud
from mlecs_ray.models.modular import RESOURCES
from mlecs_ray.tree import Tree

SUBMODELS = "submodels"
"""Scope of these measures; subjects are the largest of the fleet, its mean and the smallest."""
MOST, MEAN, LEAST = "most", "mean", "least"


def submodels(method: Method, kept: Mapping[int, Tree]) -> dict[str, dict[str, float]]:
    """By ``most``, ``mean`` and ``least`` over the devices that hold a sub-model its memory, compute and bandwidth, as
    shares of the whole network's. Nothing for other methods."""
    if not isinstance(method, ModularCloud):
        return {}
    sizes = [_shares(method, own["held"]) for own in kept.values() if "held" in own]
    if not sizes:
        return {}
    by = {resource: [size[place] for size in sizes] for place, resource in enumerate(RESOURCES)}
    return {
        subject: {resource: round(float(take(values)), 6) for resource, values in by.items()}
        for subject, take in ((MOST, max), (MEAN, mean), (LEAST, min))
    }


def _shares(method: ModularCloud, held: Tensor) -> tuple[float, float, float]:
    """Of memory, compute and bytes on the wire; ``held`` is (L, N)."""
    costs = method.model.costs(method.local.batch)
    flops, memory = method.cost(held)
    moved = costs.base[2] + costs.modules[2][held.numpy().astype(bool)].sum()
    return memory / costs.whole[0], flops / costs.whole[1], moved / costs.whole[2]
