"""``seeds`` for a whole column of clients at once, number for number the same."""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def derived(seed: int | Words, *keys: int | str | Words) -> Words:
    """A seed for each element of the arguments that are columns: ``[derive(seed, "x", client) for client in ...]``."""
    state = _mix(_words(seed))
    for key in keys:
        state = _mix(state ^ _mix(_words(key)))
    return state >> np.uint64(1)


def uniforms(seed: int | Words, *keys: int | str | Words) -> NDArray[np.float64]:
    """One number in [0, 1) for each element: ``[uniform(seed, "x", client) for client in ...]``."""
    return (derived(seed, *keys) >> np.uint64(10)).astype(np.float64) * 2.0**-53


def _words(key: int | str | Words) -> Words:
    if isinstance(key, np.ndarray):
        return key.astype(np.uint64)
    number = zlib.crc32(key.encode()) if isinstance(key, str) else key
    return np.array([number & (1 << 64) - 1], dtype=np.uint64)


def _mix(x: Words) -> Words:
    """``seeds._mix``; what overflows is cut off, as there."""
    x = x + _GOLDEN
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def orders(seeds: Sequence[int], sizes: Sequence[int]) -> list[NDArray[np.int64]]:
    """For each seed a random order of so many things: that of the outputs of SplitMix64 which begins there."""
    most = max(sizes, default=0)
    counts = np.arange(most, dtype=np.uint64) * _GOLDEN
    draws = _mix(np.array(seeds, np.uint64)[:, None] + counts)
    # What a row has too much comes last.
    draws[np.arange(most) >= np.array(sizes)[:, None]] = np.iinfo(np.uint64).max
    return [order[:size] for order, size in zip(draws.argsort(1, kind="stable"), sizes, strict=True)]
