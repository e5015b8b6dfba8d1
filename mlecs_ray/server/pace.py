"""Two ways for time to pass: jumping from event to event, or as it does on the wall."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from mlecs_ray.method import Update
from mlecs_ray.sim.clock import Clock

E = TypeVar("E")

Stopped = Callable[[], bool]
_ASK_SECONDS = 0.25
"""How long the wall clock may wait before it looks whether it was stopped."""


def never() -> bool:
    """Nobody stops it."""
    return False


class Pace(Protocol[E]):
    """What decides which event is next."""

    @property
    def real(self) -> bool:
        """Whether jobs end when they are done, and not when the virtual world says so."""

    def expect(self, number: int, answer: Awaitable[Update], due: E) -> Awaitable[Update]:
        """Job ``number`` is under way and its end is ``due``; await what is returned instead of ``answer``."""

    async def next(self, clock: Clock[E], until: float, stopped: Stopped = never) -> E | None:
        """The next event, the clock set to its moment; None when none comes by ``until``, or ``stopped`` says so."""


class VirtualPace(Generic[E]):
    """From event to event. The end of a job is on the clock already, so nothing is expected from outside."""

    real = False

    def expect(self, number: int, answer: Awaitable[Update], due: E) -> Awaitable[Update]:
        return answer

    async def next(self, clock: Clock[E], until: float, stopped: Stopped = never) -> E | None:
        return clock.pop() if clock.peek() <= until else None


class WallPace(Generic[E]):
    """Real arrivals at real moments: for deployments, and as a check on the simulation. Not repeatable.

    Arrivals and planned events come in the order of their moments, so neither keeps the other out however late the
    server is: time on the clock lags behind ``now`` then, and all that happened by ``until`` still comes. What is
    planned for a moment comes before what arrived at it, as a deadline does in virtual time.
    """

    real = True

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began: float | None = None
        self._arrived: deque[tuple[float, E]] = deque()
        """Moment by ``now`` and event."""
        self._heard = asyncio.Event()

    def expect(self, number: int, answer: Awaitable[Update], due: E) -> Awaitable[Update]:
        task = asyncio.ensure_future(answer)
        task.add_done_callback(lambda _: self._arrive(due))
        return task

    async def next(self, clock: Clock[E], until: float, stopped: Stopped = never) -> E | None:
        if self._began is None:
            # A resumed run goes on from the moment at which it was stopped.
            self._began = self._now() - clock.now
        await self._listen(min(clock.peek(), until) - (self._now() - self._began), stopped)
        if stopped():
            return None
        arrival = self._arrived[0][0] - self._began if self._arrived else math.inf
        if min(clock.peek(), arrival) > until:
            return None
        if clock.peek() <= arrival:
            return clock.pop()
        # A timer may ring a nanosecond early; time must not run backwards then.
        clock.now = max(clock.now, arrival)
        return self._arrived.popleft()[1]

    def _arrive(self, due: E) -> None:
        self._arrived.append((self._now(), due))
        self._heard.set()

    async def _listen(self, seconds: float, stopped: Stopped) -> None:
        """Return when something has arrived, after ``seconds`` at the latest, and soon after ``stopped`` says so."""
        # A turn for the loop even where the next event is here already, or others would seem to arrive later.
        await asyncio.sleep(0)
        while not self._arrived and not stopped():
            self._heard.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._heard.wait(), max(0.0, min(seconds, _ASK_SECONDS)))
            seconds -= _ASK_SECONDS
            if seconds <= 0:
                return
