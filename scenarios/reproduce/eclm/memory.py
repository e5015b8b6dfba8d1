"""What a piece of work really allocates: the peak of PyTorch's CPU allocator, the same in every turn."""

import os
from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile

_EVENT = "[memory]"


def peak(do: Callable[[], object]) -> int:
    """Bytes that ``do`` holds at most, beside what was there before; what libraries allocate by themselves apart."""
    # Its profiler tells of its own start and stop on stderr.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        do()
    results = profiled.profiler.kineto_results if profiled.profiler else None
    events = [event for event in results.events() if event.name() == _EVENT] if results else []
    held = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most
