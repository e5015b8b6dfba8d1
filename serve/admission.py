"""Who is let in: so many requests run, so many wait in line, and the next one is told when to come back."""

import asyncio
import time
from collections import deque
from functools import partial

from mlecs_ray.errors import InputError
from serve.clocks import Clock
from serve.limits import Hold, KeyLimits, Limits, Mean, Refused


class Admission:
    """``slots`` requests run and ``queue`` wait, first come, first served; everyone else is refused at once."""

    def __init__(self, slots: int, queue: int, clock: Clock = time.monotonic, expected_seconds: float = 1.0) -> None:
        """``expected_seconds`` of a request, until some were measured. Raises InputError where none could run."""
        if slots < 1:
            raise InputError(f"slots={slots} must be at least 1, or no request ever runs")
        if queue < 0:
            raise InputError(f"queue={queue} must be 0 or above: it counts the requests that may wait")
        self.slots, self.queue = slots, queue
        self._clock = clock
        self._mean = Mean(expected_seconds)
        self._running = 0
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def running(self) -> int:
        """Requests that hold a slot."""
        return self._running

    @property
    def waiting(self) -> int:
        """Requests in line."""
        return len(self._line)

    async def acquire(self) -> Hold:
        """A slot, at once or in turn. Raises Refused with 503 where the line is full."""
        if self._running < self.slots:
            self._running += 1
        elif len(self._line) < self.queue:
            await self._turn()
        else:
            raise self._refusal()
        return Hold(partial(self._end, self._clock()))

    async def _turn(self) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():
                # The slot came in the same step as the cancellation: whoever is next gets it.
                self._pass_on()
            elif place in self._line:
                self._line.remove(place)
            raise

    def _refusal(self) -> Refused:
        # When all that wait now are served, and not when the next slot is free: that one is theirs.
        wait = (len(self._line) + 1) * self._mean.seconds / self.slots
        return Refused(503, wait, "full", f"{self._running} requests run and {len(self._line)} wait, all that may")

    def _end(self, since: float) -> None:
        self._mean.add(self._clock() - since)
        self._pass_on()

    def _pass_on(self) -> None:
        """Hand the slot to the first in line, so that nobody who comes meanwhile can take it."""
        while self._line:
            place = self._line.popleft()
            # A cancelled one leaves the line only when its task runs again.
            if not place.done():
                place.set_result(None)
                return
        self._running -= 1


class Gate:
    """The key's limits first, then the server's: a flood of one key never fills the line of all."""

    def __init__(self, admission: Admission, keys: KeyLimits) -> None:
        self.admission = admission
        self.keys = keys

    async def acquire(self, name: str, limits: Limits) -> Hold:
        """One request of the key ``name``; ``async with await gate.acquire(...)`` releases it in every case.

        Raises Refused with 429 or 503. What the full server refuses counts against the key's requests a minute.
        """
        key = self.keys.acquire(name, limits)
        try:
            slot = await self.admission.acquire()
        except BaseException:
            key.release()
            raise
        return Hold(key.release, slot.release)
