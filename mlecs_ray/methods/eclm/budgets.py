"""What a device can spare for its sub-model: all that it tells of itself beside the importance of modules."""

import numpy as np

from mlecs_ray.method import Budget, Client
from mlecs_ray.models.modular import Numbers
from mlecs_ray.sim.devices import find_device


def spare(client: Client, whole: Numbers, share: float, reference: str, least: float = 0.0) -> Numbers:
    """(3,): bytes of memory, FLOPs of a sample and bytes on the wire, for the base and the modules together.

    ``share`` of the ``whole`` network's, times what the device has of each as a part of what ``reference`` has (at most
    all of it), but no less than ``least`` of the whole network's: below that nobody would build a sub-model for it.
    Other processes (``client.load``) then take their part of compute and memory, also of ``least``.
    """
    have, most = _resources(client.budget), _resources(find_device(reference).budget)
    busy = np.array([client.load, client.load, 1.0])
    part = np.maximum(least, share * np.minimum(1.0, have / most))
    numbers: Numbers = whole * part / busy
    return numbers


def _resources(budget: Budget) -> Numbers:
    return np.array([budget.memory_bytes, budget.flops, min(budget.uplink_bps, budget.downlink_bps)])
