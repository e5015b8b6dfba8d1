"""Trees: nested mappings with tensors at the leaves, and arithmetic on them."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

Tree = Mapping[str, Any]
"""Nested mappings with tensors at the leaves: all that is sent, kept, averaged or saved.

A key has no ``/`` in it. An empty mapping below the root holds nothing and does not travel (``normal``).
"""


def leaves(tree: Tree, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Paths such as ``lora/layers.0.q/A`` with their tensors, in sorted order."""
    for key in sorted(tree):
        value = tree[key]
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}/")
        else:
            yield prefix + key, value


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
    return from_leaves((path, leaf.detach().contiguous()) for path, leaf in leaves(tree))


def tree_map(fn: Callable[..., Any], first: Tree, *others: Tree) -> dict[str, Any]:
    """Apply ``fn`` to the leaves that share a path; raises ValueError where the trees differ."""
    for other in others:
        if other.keys() != first.keys():
            raise ValueError(f"trees differ in {sorted(first.keys() ^ other.keys())}, so they cannot be combined")
    return {
        key: tree_map(fn, value, *(other[key] for other in others))
        if isinstance(value, Mapping)
        else fn(value, *(other[key] for other in others))
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


def holders_mean(weighted: Iterable[tuple[Tree, float]]) -> dict[str, Any]:
    """``tree_mean`` leaf by leaf over the trees that hold the leaf; leaves nobody holds are absent.

    This is the modality-masked mean: a module is averaged over the clients that have it.
    """
    sums: dict[str, Tensor] = {}
    mass: dict[str, float] = {}
    for tree, weight in weighted:
        for path, leaf in leaves(tree):
            sums[path] = sums[path] + leaf * weight if path in sums else leaf * weight
            mass[path] = mass.get(path, 0.0) + weight
    empty = [path for path, weight in mass.items() if not weight > 0]
    if empty:
        raise ValueError(f"weights of {empty[0]} sum to {mass[empty[0]]}, not above 0, so there is no mean")
    return from_leaves((path, total / mass[path]) for path, total in sums.items())


def overlay(base: Tree, patch: Tree, fn: Callable[[Any, Any], Any] = lambda _, new: new) -> dict[str, Any]:
    """``base`` with ``fn(old, new)`` at the leaves that ``patch`` has; raises KeyError for a leaf ``base`` lacks."""
    unknown = patch.keys() - base.keys()
    if unknown:
        raise KeyError(f"{sorted(unknown)} is in no state, so it cannot be merged")
    return {
        key: value
        if key not in patch
        else overlay(value, patch[key], fn)
        if isinstance(value, Mapping)
        else fn(value, patch[key])
        for key, value in base.items()
    }


def tree_norm(tree: Tree) -> float:
    """Euclidean norm over all leaves, in float64."""
    return float(sum(float(leaf.double().square().sum()) for _, leaf in leaves(tree)) ** 0.5)


def tree_bytes(tree: Tree) -> int:
    """Bytes of the tensors themselves: what crosses the network, framing apart."""
    return sum(leaf.numel() * leaf.element_size() for _, leaf in leaves(tree))


def tree_digest(tree: Tree) -> str:
    """SHA-256 over paths, shapes, types and bytes: equal digests mean byte-identical trees."""
    digest = hashlib.sha256()
    for path, leaf in leaves(tree):
        digest.update(f"{path}:{leaf.dtype}:{tuple(leaf.shape)};".encode())
        digest.update(leaf.detach().contiguous().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
