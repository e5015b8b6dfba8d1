"""A network whose blocks have cheaper ones beside them, among which a device chooses its path (arXiv 2303.07129)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from mlecs_ray.models.classifier import Network, load, seeded
from mlecs_ray.models.decompose import applied, decomposable, parts, weights
from mlecs_ray.models.inherit import inherit
from mlecs_ray.models.networks import Form, bridged
from mlecs_ray.models.shrink import Bypass, shrunk
from mlecs_ray.seeds import generator
from mlecs_ray.tree import Tree

Path = tuple[str, ...]
"""Names of the parts in the order in which they run; ``i>j`` stands for the branch in place of blocks i to j, ``i:r``
for block i with r of its inner width."""
SPANS = (2, 3)
"""So many neighbouring blocks may be replaced by one."""
WIDTHS = (0.5, 0.375, 0.25, 0.1875, 0.125)
"""So narrow a block may be [ours]: fine enough that a network of one block has paths near any budget."""
PATHS = 256
"""Of more than so many, some are left out."""
_MERGED = 0.2
_Step = tuple[list[tuple[str, int]], list[tuple[str, int]]]
"""What may run at a place, each with the place that comes after it: one block, from wide to narrow; one for several."""


@dataclass(frozen=True)
class Supernet:
    """``network``; for every two or three neighbouring blocks one block in their place; for each block narrower ones.

    A branch ``i>j`` is a block like j on the input of i, brought to the shape that j reads without weights. A branch
    ``i:r`` is block i shrunk to r of its inner width; where that makes it no smaller there is none. (The paper's
    branches are merged and pruned blocks of a stage; these take any sequence of blocks [ours].)
    Parameters: ``<part>/<leaf>``, branches among the parts.
    """

    network: Network

    @property
    def parts(self) -> Mapping[str, nn.Module]:
        """By name, branches too; their own weights mean nothing."""
        return _parts(self.network)

    def branches(self, known: Tree, seed: int) -> Tree:
        """First parameters of the branches: those of the blocks of ``known``, the whole network's, in whose place they
        stand; ``seed`` is of those that inherit nothing."""
        return seeded(seed, lambda: _inherited(self.network, known))

    @property
    def paths(self) -> tuple[Path, ...]:
        """The ways through, the whole network first; of very many, ``PATHS``, among them those of one width."""
        return _paths(self.network)

    @property
    def detours(self) -> Mapping[str, Path]:
        """The whole network with one branch in it, by its name."""
        return {name: _detour(self.paths[0], name) for name in self.parts if name not in self.paths[0]}

    def forward(self, params: Tree, x: Tensor, path: Path) -> Tensor:
        """Part after part."""
        known = self.parts
        for name in path:
            x = applied(known[name], params.get(name, {}), x)
        return x


@lru_cache(maxsize=64)
def _parts(network: Network) -> dict[str, nn.Module]:
    children = dict(parts(network.module))
    reads = _reads(network)
    merged = {f"{first}>{last}": nn.Sequential(Bypass(reads[last]), children[last]) for first, last in _spans(network)}
    return {**children, **merged, **seeded(0, lambda: _narrower(network, children))}


@torch.no_grad()
def _reads(network: Network) -> dict[str, Form]:
    """The shape of what each part reads, without its samples."""
    reads: dict[str, Form] = {}
    x = torch.zeros(2, *network.form)
    for name, child in parts(network.module):
        reads[name], x = tuple(x.shape[1:]), child(x)
    return reads


def _narrower(network: Network, children: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    """Shrunk blocks, each smaller than the one before it."""
    found: dict[str, nn.Module] = {}
    for name in decomposable(network.module):
        least = _size(children[name])
        for width in WIDTHS:
            block = shrunk(children[name], width)
            if (size := _size(block)) < least:
                found[f"{name}:{width:g}"], least = block, size
    return found


def _size(block: nn.Module) -> int:
    return sum(leaf.numel() for leaf in block.parameters())


def _inherited(network: Network, known: Tree) -> Tree:
    whole = network.fresh(0)
    load(whole, known)
    children = dict(parts(whole))
    narrower = _narrower(network, children)
    for name, block in narrower.items():
        inherit(children[name.split(":")[0]], block, 0)
    merged = {f"{first}>{last}": nn.Sequential(nn.Identity(), children[last]) for first, last in _spans(network)}
    return {name: weights(block) for name, block in {**merged, **narrower}.items()}


def _spans(network: Network) -> list[tuple[str, str]]:
    """First and last of the neighbouring blocks that one may stand for."""
    blocks, reads = decomposable(network.module), _reads(network)
    spans = [(blocks[i], blocks[i + span - 1]) for span in SPANS for i in range(len(blocks) - span + 1)]
    return [(first, last) for first, last in spans if bridged(reads[first], reads[last])]


@lru_cache(maxsize=64)
def _paths(network: Network) -> tuple[Path, ...]:
    steps = _steps(network)
    if _count(steps) <= PATHS:
        return tuple(_onwards(steps, 0))
    even = [tuple(own[min(rank, len(own) - 1)][0] for own, _ in steps) for rank in range(len(WIDTHS) + 1)]
    chance = generator(0, "paths")
    return tuple(dict.fromkeys([*even, *(_walk(steps, chance) for _ in range(PATHS - len(even)))]))


def _detour(whole: Path, branch: str) -> Path:
    first, _, last = branch.partition(">") if ">" in branch else (branch.split(":")[0], "", "")
    before = whole.index(first)
    after = whole.index(last or first) + 1
    return (*whole[:before], branch, *whole[after:])


def _steps(network: Network) -> list[_Step]:
    names = [name for name, _ in parts(network.module)]
    places = {name: place for place, name in enumerate(names)}
    own = {name: [name, *(part for part in _parts(network) if part.startswith(f"{name}:"))] for name in names}
    merged: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
    for first, last in _spans(network):
        merged[first].append((f"{first}>{last}", places[last] + 1))
    return [([(part, place + 1) for part in own[name]], merged[name]) for name, place in places.items()]


def _count(steps: list[_Step]) -> int:
    """Of paths."""
    ways = {len(steps): 1}
    for place in reversed(range(len(steps))):
        own, merged = steps[place]
        ways[place] = sum(ways[after] for _, after in (*own, *merged))
    return ways[0]


def _onwards(steps: list[_Step], place: int) -> Iterator[Path]:
    """All paths from this place to the end, the whole network first."""
    if place == len(steps):
        yield ()
        return
    own, merged = steps[place]
    for name, after in (*own, *merged):
        for rest in _onwards(steps, after):
            yield (name, *rest)


def _walk(steps: list[_Step], chance: np.random.Generator) -> Path:
    """By chance: blocks of two neighbouring widths, so that all may be narrow, and now and then a merged one."""
    rank, place = int(chance.integers(len(WIDTHS))), 0
    path: list[str] = []
    while place < len(steps):
        own, merged = steps[place]
        if merged and chance.random() < _MERGED:
            name, place = merged[chance.integers(len(merged))]
        else:
            name, place = own[min(rank + int(chance.integers(2)), len(own) - 1)]
        path.append(name)
    return tuple(path)
