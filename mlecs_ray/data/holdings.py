"""What clients hold, a million of them as well: columns, or draws that are made when someone asks."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mlecs_ray.seeds import derive
from mlecs_ray.streams import uniforms

Index = NDArray[np.int32]
"""Positions in the training set."""


class Partition(Protocol):
    """For each client the sorted positions of its samples."""

    @property
    def sizes(self) -> NDArray[np.int32]:
        """How many samples each client holds."""

    def __len__(self) -> int:
        """How many clients there are."""

    def __getitem__(self, client: int) -> Index:
        """The samples of this client; raises IndexError where there is no such client."""

    def __iter__(self) -> Iterator[Index]:
        """Client by client."""


@dataclass(frozen=True, eq=False)
class Dealt:
    """Client i holds ``flat[offsets[i]:offsets[i + 1]]``."""

    flat: Index
    offsets: NDArray[np.int64]

    @cached_property
    def sizes(self) -> NDArray[np.int32]:
        return np.diff(self.offsets).astype(np.int32)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, client: int) -> Index:
        if not 0 <= client < len(self):
            raise IndexError(f"client {client} must lie in 0..{len(self) - 1}, or it holds nothing")
        return self.flat[self.offsets[client] : self.offsets[client + 1]]

    def __iter__(self) -> Iterator[Index]:
        return (self[client] for client in range(len(self)))


def dealt(owner: NDArray[np.int64], clients: int) -> Dealt:
    """The partition in which sample i belongs to client ``owner[i]``."""
    counts = np.bincount(owner, minlength=clients)
    # A stable sort by owner leaves the positions of each client in order.
    return Dealt(np.argsort(owner, kind="stable").astype(np.int32), np.concatenate(([0], np.cumsum(counts))))


@dataclass(frozen=True, eq=False)
class Drawn:
    """Client i holds ``sizes[i]`` samples of its kind, drawn from (seed, i) whenever someone asks: no rows are kept.

    ``kinds[kind[i]]`` are the sorted positions to draw from. A kind with too few is filled up with others, so that
    a client always gets its number.
    """

    kinds: tuple[Index, ...]
    kind: NDArray[np.int32]
    sizes: NDArray[np.int32]
    samples: int
    """How many there are in all."""
    seed: int

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, client: int) -> Index:
        if not 0 <= client < len(self):
            raise IndexError(f"client {client} must lie in 0..{len(self) - 1}, or it holds nothing")
        own, size = self.kinds[self.kind[client]], int(self.sizes[client])
        stream = derive(self.seed, client)
        if size <= len(own):
            held: Index = own[np.array(distinct(len(own), size, stream))]
            return held
        others = np.delete(np.arange(self.samples, dtype=np.int32), own)
        more = others[distinct(len(others), size - len(own), stream)]
        return np.sort(np.concatenate((own, more)))

    def __iter__(self) -> Iterator[Index]:
        return (self[client] for client in range(len(self)))


def distinct(count: int, size: int, seed: int) -> list[int]:
    """``size`` different numbers below ``count``, in order, every set equally likely.

    Floyd's way (Bentley and Floyd, CACM 30(9), 1987): as many draws as numbers, however large ``count`` is.
    """
    chosen: set[int] = set()
    lasts = np.arange(count - size, count, dtype=np.uint64)
    picks = (uniforms(seed, lasts) * (lasts + np.uint64(1))).astype(np.int64)
    for last, pick in zip(lasts.tolist(), picks.tolist(), strict=True):
        chosen.add(last if pick in chosen else pick)
    return sorted(chosen)
