"""Trees of one shape as one: clients that were trained together stay together until they are merged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from mlecs_ray.tree import Tree, from_leaves, leaves, tree_map, tree_norm, vector_norms

Shapes = tuple[tuple[str, torch.Size, torch.dtype], ...]

SMALL_BYTES = 1 << 18
"""The largest tree that is kept in a stack with others: a larger one would hold too much memory for too long."""


def shapes(tree: Tree) -> Shapes:
    """What trees must share to be stacked."""
    return tree.stack.shapes if isinstance(tree, Row) else _shapes(tree)


def _shapes(tree: Tree) -> Shapes:
    return tuple((path, leaf.shape, leaf.dtype) for path, leaf in leaves(tree))


class Stack:
    """k trees of one shape and one type as the rows of a matrix."""

    def __init__(self, shapes: Shapes, matrix: Tensor) -> None:
        """``matrix`` is (k, values), contiguous: the leaves of each tree one after another."""
        self.shapes, self.matrix = shapes, matrix
        self._sizes = [shape.numel() for _, shape, _ in shapes]

    def __len__(self) -> int:
        return len(self.matrix)

    @classmethod
    def of(cls, stacked: Tree) -> "Stack":
        """From leaves (k, ...)."""
        found = [(path, leaf.detach()) for path, leaf in leaves(stacked)]
        columns = torch.cat([leaf.reshape(len(leaf), -1) for _, leaf in found], 1)
        return cls(tuple((path, leaf.shape[1:], leaf.dtype) for path, leaf in found), columns)

    @cached_property
    def norms(self) -> list[float]:
        """Euclidean norm of each, in float64."""
        found: list[float] = vector_norms(self.matrix, 1).tolist()
        return found

    @property
    def rows(self) -> "list[Row]":
        """All of them, in order."""
        return [Row(self, place) for place in range(len(self))]

    def tree(self, vector: Tensor) -> dict[str, Any]:
        """The tree of these values, its leaves in memory that torch aligned itself: kernels may round differently."""
        parts = zip(self.shapes, torch.split(vector, self._sizes), strict=True)
        return from_leaves((path, part.view(shape).clone()) for (path, shape, _), part in parts)

    @property
    def stacked(self) -> dict[str, Any]:
        """As leaves (k, ...)."""
        parts = zip(self.shapes, torch.split(self.matrix, self._sizes, 1), strict=True)
        return from_leaves((path, part.reshape(len(self), *shape)) for (path, shape, _), part in parts)

    def cpu(self) -> "Stack":
        """The same in main memory."""
        return Stack(self.shapes, self.matrix.cpu())


class Row(Mapping[str, Any]):
    """One tree of a stack, made when someone looks into it."""

    __slots__ = ("_tree", "place", "stack")

    def __init__(self, stack: Stack, place: int) -> None:
        self.stack, self.place = stack, place
        self._tree: dict[str, Any] | None = None

    @property
    def tree(self) -> dict[str, Any]:
        """It alone."""
        if self._tree is None:
            self._tree = self.stack.tree(self.stack.matrix[self.place])
        return self._tree

    def __getitem__(self, key: str) -> Any:
        return self.tree[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tree)

    def __len__(self) -> int:
        return len(self.tree)


def stack(trees: Sequence[Tree]) -> dict[str, Any]:
    """Trees of one shape as one, its leaves (k, ...); raises ValueError where they differ."""
    whole = whole_stack(trees)
    return whole.stacked if whole else tree_map(lambda *rows: torch.stack(rows), *trees)


def rows_of(stacked: Tree) -> Sequence[Tree]:
    """The k trees of which ``stacked`` has the leaves (k, ...)."""
    found = [leaf for _, leaf in leaves(stacked)]
    small = sum(leaf.nbytes for leaf in found) <= SMALL_BYTES * len(found[0])
    if small and len({leaf.dtype for leaf in found}) == 1:
        return Stack.of(stacked).rows
    return [tree_map(lambda leaf, place=place: leaf[place].clone(), stacked) for place in range(len(found[0]))]


def whole_stack(trees: Sequence[Tree]) -> Stack | None:
    """The stack of which these are all rows, in order."""
    first = trees[0]
    if not isinstance(first, Row) or len(trees) != len(first.stack):
        return None
    places = enumerate(trees)
    same = all(isinstance(tree, Row) and tree.stack is first.stack and tree.place == place for place, tree in places)
    return first.stack if same else None


def matrix(trees: Sequence[Tree]) -> Tensor:
    """Trees of one shape and type as the rows of a matrix, (k, values)."""
    if whole := whole_stack(trees):
        return whole.matrix
    return torch.stack([tree.stack.matrix[tree.place] if isinstance(tree, Row) else _vector(tree) for tree in trees])


def _vector(tree: Tree) -> Tensor:
    return torch.cat([leaf.flatten() for _, leaf in leaves(tree)])


def norm(tree: Tree) -> float:
    """``tree_norm``; of a stack all are taken at once."""
    return tree.stack.norms[tree.place] if isinstance(tree, Row) else tree_norm(tree)


def holders_mean(weighted: Iterable[tuple[Tree, float]]) -> dict[str, Any]:
    """``tree_mean`` leaf by leaf over the trees that hold the leaf; leaves nobody holds are absent.

    This is the modality-masked mean: a module is averaged over the clients that have it.
    """
    held = list(weighted)
    if len(held) > 1 and _small_alike([shapes(tree) for tree, _ in held]):
        return _small_mean(held)
    sums: dict[str, Tensor] = {}
    mass: dict[str, float] = {}
    for tree, weight in held:
        for path, leaf in leaves(tree):
            sums[path] = sums[path].add_(leaf, alpha=weight) if path in sums else leaf * weight
            mass[path] = mass.get(path, 0.0) + weight
    empty = [path for path, weight in mass.items() if not weight > 0]
    if empty:
        raise ValueError(f"weights of {empty[0]} sum to {mass[empty[0]]}, not above 0, so there is no mean")
    return from_leaves((path, total.div_(mass[path])) for path, total in sums.items())


def _small_alike(forms: Sequence[Shapes]) -> bool:
    """Whether trees of these shapes are best summed as one vector each: a copy more, but few kernels."""
    first = forms[0]
    kinds = {dtype for *_, dtype in first}
    same = len(kinds) == 1 and next(iter(kinds)).is_floating_point and all(form == first for form in forms)
    return same and sum(shape.numel() * dtype.itemsize for _, shape, dtype in first) <= SMALL_BYTES


def _small_mean(weighted: Sequence[tuple[Tree, float]]) -> dict[str, Any]:
    """``holders_mean`` of small trees of one shape, over all leaves at once."""
    mass = sum(weight for _, weight in weighted)
    if not mass > 0:
        raise ValueError(f"weights sum to {mass}, not above 0, so there is no mean")
    rows = matrix([tree for tree, _ in weighted])
    shares = torch.tensor([weight / mass for _, weight in weighted], dtype=rows.dtype, device=rows.device)
    return Stack(shapes(weighted[0][0]), rows).tree(shares @ rows)
