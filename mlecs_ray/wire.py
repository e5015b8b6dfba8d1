"""Trees as bytes: safetensors on the wire and on disk, never pickle."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import TensorSpec, serialize
from torch import Tensor

from mlecs_ray.stacks import SMALL_BYTES, rows_of, shapes, stack
from mlecs_ray.tree import Tree, from_leaves, leaves, tree_bytes

Packed = bytes | NDArray[np.uint8]
_KINDS = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
"""By the name that safetensors has for it."""


def pack(tree: Tree) -> bytes:
    """One buffer for the whole tree."""
    # What ``safetensors.torch.save`` does, without its questions, which cost more than a small tree. The list keeps
    # alive what the specs point at.
    ready = [(path, leaf.detach().contiguous().cpu()) for path, leaf in leaves(tree)]
    return bytes(serialize({path: _spec(leaf) for path, leaf in ready}))


def _spec(leaf: Tensor) -> TensorSpec:
    kind = str(leaf.dtype).removeprefix("torch.")
    return TensorSpec(dtype=kind, shape=leaf.shape, data_ptr=leaf.data_ptr(), data_len=leaf.nbytes)


def unpack(buffer: Packed) -> dict[str, Any]:
    """The tree that ``pack`` packed; raises ValueError where it is none.

    Leaves are copied, once, into memory that torch aligned itself: matrix kernels may round differently
    on other alignments, and a run must give the same bytes wherever its jobs ran.
    """
    data = np.frombuffer(buffer, np.uint8)
    start = 8 + int.from_bytes(data[:8].tobytes(), "little")
    if not 8 < start <= len(data):
        raise ValueError(f"{len(data)} bytes are no tree: their header would end at {start}")
    entries: dict[str, Any] = json.loads(data[8:start].tobytes())
    return from_leaves((path, _leaf(entry, data[start:])) for path, entry in sorted(entries.items()))


def _leaf(entry: Mapping[str, Any], data: NDArray[np.uint8]) -> Tensor:
    begin, end = entry["data_offsets"]
    leaf = torch.empty(entry["shape"], dtype=_KINDS[entry["dtype"]])
    if leaf.nbytes != end - begin or end > len(data):
        raise ValueError(f"{entry} does not lie in {len(data)} bytes, so the tree is damaged")
    if leaf.nbytes:
        leaf.view(-1).view(torch.uint8).numpy()[:] = data[begin:end]
    return leaf


def pack_many(trees: Sequence[Tree]) -> bytes:
    """One buffer for many trees; small ones of one shape become one, so that few tensors are written, not many."""
    alike = len({shapes(tree) for tree in trees}) == 1
    # Of trees without leaves nothing is written, so how many there were must be.
    if alike and 0 < tree_bytes(trees[0]) <= SMALL_BYTES:
        return pack({"stack": stack(trees)})
    return pack({"count": torch.tensor(len(trees)), **{str(place): tree for place, tree in enumerate(trees)}})


def unpack_many(buffer: Packed) -> Sequence[Tree]:
    """The trees that ``pack_many`` packed."""
    flat = unpack(buffer)
    if "stack" in flat:
        return rows_of(flat["stack"])
    return [flat.get(str(place), {}) for place in range(int(flat["count"]))]


def save_tree(tree: Tree, path: Path) -> None:
    """Write ``pack(tree)`` so that a crash leaves the old file or the new one, never half of it."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(pack(tree))
    part.replace(path)


def load_tree(path: Path) -> dict[str, Any]:
    """Read what ``save_tree`` wrote."""
    return unpack(path.read_bytes())
