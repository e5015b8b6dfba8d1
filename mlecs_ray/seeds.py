"""Every random stream of a run, derived from (seed, who, what, purpose) and from nothing else."""

import zlib
from functools import lru_cache

import numpy as np

_MASK = (1 << 64) - 1
Key = int | str


def _mix(x: int) -> int:
    """SplitMix64's finaliser (Steele et al., OOPSLA 2014): every input bit reaches every output bit."""
    x = (x + 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def derive(seed: int, *keys: Key) -> int:
    """A 63-bit seed for the stream named by ``keys``; other keys give an unrelated stream."""
    state = _first(seed)
    for key in keys:
        state = _mix(state ^ (_word(key) if isinstance(key, str) else _mix(key & _MASK)))
    return state >> 1


@lru_cache
def _first(seed: int) -> int:
    return _mix(seed & _MASK)


@lru_cache
def _word(key: str) -> int:
    return _mix(zlib.crc32(key.encode()))


def uniform(seed: int, *keys: Key) -> float:
    """One number in [0, 1) for ``keys``: no generator is built, so it suits hot paths."""
    return (derive(seed, *keys) >> 10) * 2.0**-53


def generator(seed: int, *keys: Key) -> np.random.Generator:
    """A numpy generator of its own for ``keys``."""
    # What ``default_rng`` makes, without its questions about what it was given.
    return np.random.Generator(np.random.PCG64(derive(seed, *keys)))
