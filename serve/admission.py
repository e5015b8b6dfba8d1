"""Who is let in: so many requests run, so many wait in line, and the next one is told when to come back."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from mlecs_ray.errors import InputError
from serve.clocks import Clock
from serve.limits import Hold, KeyLimits, Mean, Refused

BODIES = 512 * 2**20
"""Bytes of all bodies together."""


class Admission:
    """``slots`` requests run and ``queue`` wait, first come, first served; everyone else is refused at once.

    Nobody joins the line who is to wait for longer than ``wait_seconds``, by what requests took of late: a long line
    helps no one, and the server is its old self soon after a flood.
    """

    def __init__(
        self,
        slots: int,
        queue: int,
        clock: Clock = time.monotonic,
        expected_seconds: float = 1.0,
        wait_seconds: float = math.inf,
    ) -> None:
        """``expected_seconds`` of a request, until some were measured. Raises InputError where none could run."""
        if slots < 1:
            raise InputError(f"slots={slots} must be at least 1, or no request ever runs")
        if queue < 0:
            raise InputError(f"queue={queue} must be 0 or above: it counts the requests that may wait")
        self.slots, self.queue, self.wait_seconds = slots, queue, wait_seconds
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
        elif len(self._line) < self.queue and self._wait <= self.wait_seconds:
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

    @property
    def _wait(self) -> float:
        """Seconds until one more would run: when all that wait now do, and not when the next slot is free."""
        return (len(self._line) + 1) * self._mean.seconds / self.slots

    def _refusal(self) -> Refused:
        return Refused(
            503, self._wait, "full", f"{self._running} requests run and {len(self._line)} wait, all that may"
        )

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


class Room:
    """Bytes of bodies that are in memory at once, whoever sends them."""

    def __init__(self, most: int) -> None:
        self._most, self._taken = most, 0

    @contextmanager
    def hold(self) -> Iterator[Callable[[int], None]]:
        """Room for one body: to be told of each piece of it, given back at the end. Raises Refused with 503."""
        own = 0

        def more(size: int) -> None:
            nonlocal own
            if self._taken + size > self._most:
                raise Refused(503, 1.0, "full", f"bodies of {self._taken} bytes are being read, all that may")
            own, self._taken = own + size, self._taken + size

        try:
            yield more
        finally:
            self._taken -= own


@dataclass(frozen=True)
class Gate:
    """What stands at the door: the key's limits come first, so that a flood of one key never fills the line of all."""

    admission: Admission
    keys: KeyLimits
    room: Room = field(default_factory=lambda: Room(BODIES))
