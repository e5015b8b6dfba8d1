"""Packed trees on their way through Ray."""

from typing import Any

import numpy as np

from mlecs_ray.wire import Packed, unpack

NOTHING = b""
"""What a client keeps that keeps nothing."""
INLINE_BYTES = 64 * 1024
"""What travels in a call itself: to put it into the store and fetch it again costs more than to send it twice."""


def shared(packed: Packed) -> Packed:
    """A large one as an array: Ray leaves arrays in shared memory for whoever reads them, and copies bytes."""
    return np.frombuffer(packed, np.uint8) if isinstance(packed, bytes) and len(packed) > INLINE_BYTES else packed


def opened(packed: Packed) -> dict[str, Any]:
    """The tree."""
    return unpack(packed) if len(packed) else {}
