"""Time that a test turns on by hand, and an event loop that never waits."""

import asyncio
import selectors
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass
class Clock:
    """Seconds since the test began; calling it reads it."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class _Ready(selectors.DefaultSelector):
    """Where the loop would wait for a timer, it jumps there."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if timeout is None and not found:
            raise RuntimeError("everything waits for something that never comes")
        if not found:
            self.clock.now += timeout or 0.0
        return found


def run(main: Coroutine[Any, Any, Any], clock: Clock | None = None) -> Any:
    """As ``asyncio.run``, in virtual time: hours pass in no time, and a deadlock is an error."""
    clock = clock or Clock()

    def make() -> asyncio.AbstractEventLoop:
        loop = asyncio.SelectorEventLoop(_Ready(clock))
        loop.time = clock  # type: ignore[method-assign]  # the loop has no other place for it
        return loop

    with asyncio.Runner(loop_factory=make) as runner:
        return runner.run(main)


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)
