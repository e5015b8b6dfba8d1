"""A network with shortcuts past its blocks, from which a device may choose its path (AdaptiveNet, arXiv 2303.07129)."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product

import torch
from torch import Tensor, nn

from mlecs_ray.models.classifier import Network, seeded
from mlecs_ray.models.decompose import applied, decomposable, weights
from mlecs_ray.models.shrink import Bypass
from mlecs_ray.seeds import derive
from mlecs_ray.tree import Tree

Path = tuple[str, ...]
"""Names of the parts in the order in which they run; ``i>j`` stands for the branch in place of blocks i to j."""
SPANS = (2, 3)
"""So many neighbouring blocks may be replaced by one."""


@dataclass(frozen=True)
class Supernet:
    """``network`` and, for every two or three neighbouring blocks, one block in their place.

    A branch ``i>j`` is a block like j on the input of i, brought to the shape that j reads without weights. (The
    paper's branches are merged blocks of a stage; this takes any sequence of blocks [ours].)
    Parameters: ``<part>/<leaf>``, branches among the parts.
    """

    network: Network

    @property
    def parts(self) -> dict[str, nn.Module]:
        """By name, branches too; their own weights mean nothing."""
        return _parts(self.network, 0)

    def branches(self, seed: int) -> Tree:
        """Fresh parameters of the branches."""
        return {name: weights(part) for name, part in _parts(self.network, seed).items() if ">" in name}

    @property
    def paths(self) -> tuple[Path, ...]:
        """All ways through, the whole network first."""
        return _paths(self.network)

    def forward(self, params: Tree, x: Tensor, path: Path) -> Tensor:
        """Part after part."""
        parts = self.parts
        for name in path:
            x = applied(parts[name], params.get(name, {}), x)
        return x


@lru_cache(maxsize=64)
def _parts(network: Network, seed: int) -> dict[str, nn.Module]:
    def make() -> dict[str, nn.Module]:
        children = dict(network.fresh(seed).named_children())
        names, reads, x = list(children), {}, torch.zeros(2, *network.form)
        with torch.no_grad():
            for name, child in children.items():
                reads[name], x = tuple(x.shape[1:]), child(x)
        again = dict(network.fresh(derive(seed, "branches")).named_children())
        for first, last in _spans(network):
            children[f"{first}>{last}"] = nn.Sequential(Bypass(reads[last]), again[last])
        del names
        return children

    return seeded(seed, make)


def _spans(network: Network) -> list[tuple[str, str]]:
    blocks = decomposable(network.module)
    return [(blocks[i], blocks[i + span - 1]) for span in SPANS for i in range(len(blocks) - span + 1)]


@lru_cache(maxsize=64)
def _paths(network: Network) -> tuple[Path, ...]:
    names = [name for name, _ in network.module.named_children()]
    spans = _spans(network)
    found: list[Path] = []
    for chosen in product((False, True), repeat=len(spans)):
        taken = [span for span, take in zip(spans, chosen, strict=True) if take]
        if (path := _path(names, taken)) is not None:
            found.append(path)
    return tuple(sorted(found, key=lambda path: (-len(path), path)))


def _path(names: list[str], taken: list[tuple[str, str]]) -> Path | None:
    """The parts in order with these spans replaced; None where two overlap."""
    places = {name: place for place, name in enumerate(names)}
    ranges = sorted((places[first], places[last]) for first, last in taken)
    if any(before[1] >= after[0] for before, after in pairwise(ranges)):
        return None
    path: list[str] = []
    starts = dict(ranges)
    place = 0
    while place < len(names):
        end = starts.get(place)
        path.append(names[place] if end is None else f"{names[place]}>{names[end]}")
        place = (place if end is None else end) + 1
    return tuple(path)
