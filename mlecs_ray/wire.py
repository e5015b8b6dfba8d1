"""Trees as bytes: safetensors on the wire and on disk, never pickle."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import safetensors.torch as st
from torch import Tensor

from mlecs_ray.stacks import rows_of, shapes, stack
from mlecs_ray.tree import Tree, from_leaves, leaves


def pack(tree: Tree) -> bytes:
    """One buffer for the whole tree."""
    seen: set[int] = set()
    flat: dict[str, Tensor] = {}
    for path, leaf in leaves(tree):
        # safetensors refuses tensors that share memory; a method may well send one under two names.
        storage = leaf.untyped_storage().data_ptr()
        flat[path] = leaf.detach().clone().contiguous() if storage in seen else leaf.detach().contiguous()
        seen.add(storage)
    return st.save(flat)


def unpack(buffer: bytes) -> dict[str, Any]:
    """The tree that ``pack`` packed.

    Leaves are cloned into memory that torch aligned itself: matrix kernels may round differently
    on other alignments, and a run must give the same bytes wherever its jobs ran.
    """
    return from_leaves((path, leaf.clone()) for path, leaf in sorted(st.load(bytes(buffer)).items()))


def pack_many(trees: Sequence[Tree]) -> bytes:
    """One buffer for many trees; those of one shape become one, so that few tensors are written, not many."""
    if len({shapes(tree) for tree in trees}) == 1:
        return pack({"stack": stack(trees)})
    return pack({str(place): tree for place, tree in enumerate(trees)})


def unpack_many(buffer: bytes) -> Sequence[Tree]:
    """The trees that ``pack_many`` packed."""
    flat = unpack(buffer)
    return rows_of(flat["stack"]) if "stack" in flat else [flat[str(place)] for place in range(len(flat))]


def save_tree(tree: Tree, path: Path) -> None:
    """Write ``pack(tree)`` so that a crash leaves the old file or the new one, never half of it."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(pack(tree))
    part.replace(path)


def load_tree(path: Path) -> dict[str, Any]:
    """Read what ``save_tree`` wrote."""
    return unpack(path.read_bytes())
