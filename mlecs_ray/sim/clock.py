"""Virtual time: a heap of what will happen and the moment it does."""

import heapq
import math
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlecs_ray.sim.agenda import Agenda

E = TypeVar("E")


class Clock(Generic[E]):
    """Pops events in time order; ties pop in the order in which they were set.

    Of each of ``rows`` rows one event may be planned that takes no object of its own: ``event(row)`` makes it when it
    happens.
    """

    def __init__(self, rows: int = 0, event: Callable[[int], E] | None = None) -> None:
        self.now = 0.0
        self.ticket = 0
        """The ticket that the next event will get; a checkpoint keeps it."""
        self._heap: list[tuple[float, int, E]] = []
        self._agenda, self._event = Agenda(rows), event

    def __len__(self) -> int:
        return len(self._heap) + len(self._agenda)

    def set(self, delay: float, event: E) -> None:
        """Let ``event`` happen ``delay`` seconds from now; raises ValueError where that is no moment to come."""
        if not 0 <= delay < math.inf:
            raise ValueError(f"delay={delay} must be finite and >= 0 seconds, or the order of events has no meaning")
        self._push(self.now + delay, event)

    def at(self, moment: float, event: E) -> None:
        """Let ``event`` happen at ``moment`` exactly; raises ValueError where it is past, NaN or infinite."""
        self._check(moment)
        self._push(moment, event)

    def plan(self, row: int, moment: float) -> None:
        """Let the event of ``row``, of which none is planned, happen at ``moment``; raises ValueError like ``at``."""
        self._check(moment)
        self._agenda.set(row, moment, self.ticket)
        self.ticket += 1

    def plan_all(self, moments: NDArray[np.float64]) -> None:
        """``plan`` every row in turn, before any other; infinity where nothing comes. Raises ValueError like ``at``."""
        self._check(float(np.where(moments == math.inf, self.now, moments).min(initial=self.now)))
        self.ticket = self._agenda.fill(moments, self.ticket)

    def _check(self, moment: float) -> None:
        if not self.now <= moment < math.inf:
            raise ValueError(
                f"moment={moment} must be finite and >= now={self.now}, or the order of events has no meaning"
            )

    def peek(self) -> float:
        """When the next event happens; infinity if none will."""
        heap = self._heap[0][0] if self._heap else math.inf
        row = self._agenda.first()
        return heap if row is None or heap < row[0] else row[0]

    def pop(self) -> E:
        """Move to the next event and return it; raises IndexError if there is none."""
        row = self._agenda.first()
        if row is not None and self._event is not None and (not self._heap or row[:2] < self._heap[0][:2]):
            self.now, _, number = self._agenda.pop()
            return self._event(number)
        self.now, _, event = heapq.heappop(self._heap)
        return event

    def entries(self) -> list[tuple[float, int, E]]:
        """All that is still to happen as (time, ticket, event), in the order in which it will pop."""
        planned = [(at, ticket, self._event(row)) for at, ticket, row in self._agenda.entries() if self._event]
        return sorted([*self._heap, *planned], key=lambda entry: entry[:2])

    def restore(self, now: float, entries: Iterable[tuple[float, int, E]], ticket: int) -> None:
        """Put back what ``now``, ``entries()`` and ``ticket`` were; raises ValueError where they disagree.

        Rows are then on the heap like any other event, until they are planned again.
        """
        heap = list(entries)
        for moment, taken, _ in heap:
            if not now <= moment < math.inf or taken >= ticket:
                raise ValueError(
                    f"event at {moment} with ticket {taken} must lie between now={now} and infinity and below "
                    f"ticket {ticket}, or the resumed run differs from the interrupted one"
                )
        heapq.heapify(heap)
        self.now, self.ticket, self._heap = now, ticket, heap

    def _push(self, moment: float, event: E) -> None:
        heapq.heappush(self._heap, (moment, self.ticket, event))
        self.ticket += 1
