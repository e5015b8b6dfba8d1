"""Trees: nested mappings with tensors at the leaves, and arithmetic on them."""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
Tree = Mapping[str, Any]
"""Nested mappings with tensors at the leaves: all that is sent, kept, averaged or saved.

A key has no ``/`` in it. An empty mapping below the root holds nothing and does not travel (``normal``).
"""


def leaves(tree: Tree, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Paths such as ``lora/layers.0.q/A`` with their tensors, in sorted order."""
    found: list[tuple[str, Tensor]] = []
    _gather(tree, prefix, found)
    return iter(found)


def _gather(tree: Tree, prefix: str, found: list[tuple[str, Tensor]]) -> None:
    for key in sorted(tree):
        value = tree[key]
        if is_leaf(value):
            found.append((prefix + key, value))
        else:
            _gather(value, f"{prefix}{key}/", found)


def is_leaf(value: object) -> bool:
    """Whether it is no further mapping."""
    # The exact types first: asking an abstract class costs more than most of what trees are walked for.
    kind = type(value)
    return kind is Tensor or (kind is not dict and not isinstance(value, Mapping))


def from_leaves(flat: Iterable[tuple[str, Tensor]]) -> dict[str, Any]:
    """The tree whose ``leaves`` these are."""
    tree: dict[str, Any] = {}
    for path, tensor in flat:
        *parents, name = path.split("/")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = tensor
    return tree


def normal(tree: Tree) -> dict[str, Any]:
    """``tree`` as the wire gives it: keys in sorted order, contiguous leaves, no empty mapping below the root."""
    result: dict[str, Any] = {}
    for key in sorted(tree):
        value = tree[key]
        if is_leaf(value):
            result[key] = value.detach().contiguous() if value.requires_grad else value.contiguous()
        elif below := normal(value):
            result[key] = below
    return result


class Remembered(Generic[T]):
    """``ask``, answered once for a tree that is asked about again and again: trees are walked for every job."""

    def __init__(self, ask: Callable[..., T]) -> None:
        """``ask`` takes a tree and whatever else can be hashed."""
        self._ask = ask
        self._tree: Tree | None = None
        self._answers: dict[tuple[Hashable, ...], T] = {}

    def __call__(self, tree: Tree, *more: Hashable) -> T:
        if self._tree is not tree:
            self._tree, self._answers = tree, {}
        if more not in self._answers:
            self._answers[more] = self._ask(tree, *more)
        return self._answers[more]


def tree_map(fn: Callable[..., Any], first: Tree, *others: Tree) -> dict[str, Any]:
    """Apply ``fn`` to the leaves that share a path; raises ValueError where the trees differ."""
    for other in others:
        if other.keys() != first.keys():
            raise ValueError(f"trees differ in {sorted(first.keys() ^ other.keys())}, so they cannot be combined")
    return {
        key: fn(value, *[other[key] for other in others])
        if is_leaf(value)
        else tree_map(fn, value, *[other[key] for other in others])
        for key, value in first.items()
    }


def tree_add(first: Tree, second: Tree, scale: float = 1.0) -> dict[str, Any]:
    """``first + scale * second``."""
    return tree_map(lambda a, b: torch.add(a, b, alpha=scale), first, second)


def tree_sub(first: Tree, second: Tree) -> dict[str, Any]:
    """``first - second``."""
    return tree_map(torch.sub, first, second)


def tree_scale(tree: Tree, factor: float) -> dict[str, Any]:
    """Every leaf times ``factor``."""
    return tree_map(lambda leaf: leaf * factor, tree)


def tree_to(tree: Tree, device: torch.device | str) -> dict[str, Any]:
    """Every leaf on ``device``; the same tensors where they are there."""
    return tree_map(lambda leaf: leaf.to(device), tree)


def tree_zeros(tree: Tree) -> dict[str, Any]:
    """Zeros of the same shapes."""
    return tree_map(torch.zeros_like, tree)


def tree_mean(weighted: Iterable[tuple[Tree, float]]) -> dict[str, Any]:
    """``sum w_k t_k / sum w_k`` over trees of one structure; raises ValueError where the weights sum to 0."""
    total: dict[str, Any] | None = None
    mass = 0.0
    for tree, weight in weighted:
        total = tree_scale(tree, weight) if total is None else tree_add(total, tree, weight)
        mass += weight
    if total is None or not mass > 0:
        raise ValueError(f"weights sum to {mass}, not above 0, so there is no mean")
    return tree_scale(total, 1 / mass)


def overlay(base: Tree, patch: Tree, fn: Callable[[Any, Any], Any] = lambda _, new: new) -> dict[str, Any]:
    """``base`` with ``fn(old, new)`` at the leaves that ``patch`` has; raises KeyError for a leaf ``base`` lacks."""
    unknown = patch.keys() - base.keys()
    if unknown:
        raise KeyError(f"{sorted(unknown)} is in no state, so it cannot be merged")
    return {
        key: value if key not in patch else fn(value, patch[key]) if is_leaf(value) else overlay(value, patch[key], fn)
        for key, value in base.items()
    }


def tree_norm(tree: Tree) -> float:
    """Euclidean norm over all leaves, in float64."""
    parts = [leaf.flatten() for _, leaf in leaves(tree)]
    return float(vector_norms(torch.cat(parts), 0)) if parts else 0.0


def vector_norms(values: Tensor, dim: int) -> Tensor:
    """Euclidean norms along ``dim``, in float64; also of whole numbers, as clients may tell them of themselves."""
    real = values if values.is_floating_point() else values.double()
    norms: Tensor = torch.linalg.vector_norm(real, dim=dim, dtype=torch.float64)
    return norms


def tree_bytes(tree: Tree) -> int:
    """Bytes of the tensors themselves: what crosses the network, framing apart."""
    return sum(leaf.nbytes for _, leaf in leaves(tree))


def tree_digest(tree: Tree) -> str:
    """SHA-256 over paths, shapes, types and bytes: equal digests mean byte-identical trees."""
    digest = hashlib.sha256()
    for path, leaf in leaves(tree):
        digest.update(f"{path}:{leaf.dtype}:{tuple(leaf.shape)};".encode())
        digest.update(leaf.detach().contiguous().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
