"""Trees as bytes: safetensors on the wire and on disk, never pickle."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import safetensors.torch as st
from safetensors import TensorSpec, serialize
from torch import Tensor

from mlecs_ray.stacks import rows_of, shapes, stack
from mlecs_ray.tree import Tree, from_leaves, leaves


def pack(tree: Tree) -> bytes:
    """One buffer for the whole tree."""
    # What ``safetensors.torch.save`` does, without its questions, which cost more than a small tree. The list keeps
    # alive what the specs point at.
    ready = [(path, leaf.detach().contiguous().cpu()) for path, leaf in leaves(tree)]
    return bytes(serialize({path: _spec(leaf) for path, leaf in ready}))


def _spec(leaf: Tensor) -> TensorSpec:
    kind = str(leaf.dtype).removeprefix("torch.")
    return TensorSpec(dtype=kind, shape=leaf.shape, data_ptr=leaf.data_ptr(), data_len=leaf.nbytes)


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
