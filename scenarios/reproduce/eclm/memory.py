"""What a piece of work really allocates: the peak of PyTorch's CPU allocator, the same in every turn."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.profiler import ProfilerActivity, profile

from mlecs_ray.errors import InputError

_EVENT = "[memory]"
_LEVEL = "KINETO_LOG_LEVEL"
_PROBE = 1 << 12
"""Bytes that are allocated and freed first: a profiler that does not tell of these tells of nothing."""


def peak(do: Callable[[], object]) -> int:
    """Bytes that ``do`` holds at most, beside what was there before; what libraries allocate by themselves apart.

    Raises InputError where PyTorch's profiler does not tell what is allocated.
    """
    held = most = 0
    for change in _changes(do):
        held += change
        most = max(most, held)
    return most


def _changes(do: Callable[[], object]) -> list[int]:
    """Bytes that were allocated, or freed where negative, in their order."""
    with _quiet(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        torch.empty(_PROBE, dtype=torch.uint8)
        do()
    results = profiled.profiler.kineto_results if profiled.profiler else None
    events = [event for event in results.events() if event.name() == _EVENT] if results else []
    told = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    if told[:2] != [_PROBE, -_PROBE]:
        raise InputError(
            f"torch {torch.__version__}: its profiler tells of no {_EVENT} events, so what a step allocates is unknown"
        )
    return told[2:]


@contextmanager
def _quiet() -> Iterator[None]:
    """The profiler tells of its own start and stop on stderr, unless the user has chosen what it tells."""
    chosen = _LEVEL in os.environ
    os.environ.setdefault(_LEVEL, "99")
    try:
        yield
    finally:
        if not chosen:
            os.environ.pop(_LEVEL, None)
