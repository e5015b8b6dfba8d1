"""How large the sub-models are that devices hold when a run ends, by the device model that budgets are counted in."""

from collections.abc import Callable, Mapping, Sequence
from statistics import mean

from torch import Tensor

from mlecs_ray.method import Method
from mlecs_ray.methods.eclm.system import ModularCloud
from mlecs_ray.models.modular import RESOURCES
from mlecs_ray.tree import Tree

SUBMODELS = "submodels"
"""Scope of these measures; subjects are the largest of the fleet, its mean and the smallest, and the largest of each
kind of device."""
MOST, MEAN, LEAST = "most", "mean", "least"
Shares = tuple[float, float, float]
Take = Callable[[Sequence[float]], float]


def submodels(method: Method, kept: Mapping[int, Tree], devices: Mapping[int, str]) -> dict[str, dict[str, float]]:
    """By ``most``, ``mean`` and ``least`` over the devices that hold a sub-model its memory, compute and bandwidth, as
    shares of the whole network's; and the most by kind, of which ``devices`` are. Nothing for other methods."""
    if not isinstance(method, ModularCloud):
        return {}
    sizes = {client: _shares(method, own["held"]) for client, own in kept.items() if "held" in own}
    if not sizes:
        return {}
    every = [*sizes.values()]
    found = {subject: _taken(every, take) for subject, take in ((MOST, max), (MEAN, mean), (LEAST, min))}
    kinds = dict.fromkeys(devices[client] for client in sorted(sizes))
    of = {kind: [size for client, size in sizes.items() if devices[client] == kind] for kind in kinds}
    return {**found, **{most_of(kind): _taken(ones, max) for kind, ones in of.items()}}


def most_of(kind: str) -> str:
    """The subject of the largest sub-model among devices of a kind."""
    return f"{MOST}, {kind}"


def _taken(sizes: Sequence[Shares], take: Take) -> dict[str, float]:
    return {
        resource: round(float(take([size[place] for size in sizes])), 6) for place, resource in enumerate(RESOURCES)
    }


def _shares(method: ModularCloud, held: Tensor) -> Shares:
    """Of memory, compute and bytes on the wire; ``held`` is (L, N)."""
    costs = method.modular.costs(method.local.batch)
    flops, memory = method.cost(held)
    moved = costs.base[2] + costs.modules[2][held.numpy().astype(bool)].sum()
    return memory / costs.whole[0], flops / costs.whole[1], moved / costs.whole[2]
