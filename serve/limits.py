"""What one key may ask for: requests a minute, and requests at once."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, Self

from mlecs_ray.errors import InputError
from serve.clocks import Clock

Reason = Literal["rate", "concurrency", "full"]


class Refused(Exception):
    """A request that was not let in; the message says which rule it broke and when to come back."""

    def __init__(self, status: int, retry_after_seconds: float, reason: Reason, message: str) -> None:
        """``status`` is 429, the key's own limit, or 503, the server is full."""
        super().__init__(f"{message}; try again in {math.ceil(retry_after_seconds)} s")
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        self.reason = reason

    @property
    def headers(self) -> dict[str, str]:
        """For the response. Whole seconds of at least 1, as HTTP knows no fractions."""
        return {"Retry-After": str(max(1, math.ceil(self.retry_after_seconds)))}


@dataclass(frozen=True)
class Limits:
    """How much one key may ask for. Raises InputError where that would be nothing."""

    per_minute: float = 60.0
    """Requests, in the long run."""
    burst: int = 10
    """Requests at once after a pause."""
    concurrent: int = 4
    """Requests that run or wait."""

    def __post_init__(self) -> None:
        if not 0 < self.per_minute < math.inf:
            raise InputError(
                f"per_minute={self.per_minute} must be above 0 and finite, or the key never gets an answer"
            )
        for name in ("burst", "concurrent"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)} must be at least 1, or the key never gets an answer")


class Hold:
    """What was granted, until it is released or its ``async with`` ends, by cancellation too; twice is once."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release: Callable[[], None] | None = release

    def release(self) -> None:
        """Give it back."""
        release, self._release = self._release, None
        if release is not None:
            release()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        # Without an await: nothing can interrupt it.
        self.release()


class Mean:
    """Running mean of seconds, the last dozen or so weighing most."""

    def __init__(self, seconds: float, weight: float = 0.1) -> None:
        """``seconds``: the guess before anything was measured."""
        self.seconds = seconds
        self._weight = weight

    def add(self, seconds: float) -> None:
        """One more was measured."""
        self.seconds += self._weight * (seconds - self.seconds)


@dataclass
class _State:
    tokens: float
    at: float
    running: int = 0

    def fill(self, limits: Limits, now: float) -> None:
        self.tokens = min(limits.burst, self.tokens + (now - self.at) * limits.per_minute / 60)
        self.at = now

    def take(self, limits: Limits) -> float:
        """One token, or the seconds until there is one."""
        # Who comes back after exactly the seconds that we named must not fail by a rounding error.
        if self.tokens < 1 - 1e-6:
            return (1 - self.tokens) * 60 / limits.per_minute
        self.tokens -= 1
        return 0.0


class KeyLimits:
    """A token bucket and a count of running requests for each key, in one process.

    Where several replicas serve, each grants the whole of it.
    """

    def __init__(self, clock: Clock = time.monotonic, expected_seconds: float = 1.0, most: int = 10_000) -> None:
        """``expected_seconds`` of a request, until some were measured; ``most`` keys are remembered."""
        self._clock, self._most = clock, most
        self._mean = Mean(expected_seconds)
        self._states: OrderedDict[str, _State] = OrderedDict()

    def __len__(self) -> int:
        """Keys that are remembered."""
        return len(self._states)

    def acquire(self, name: str, limits: Limits) -> Hold:
        """One request of the key ``name``, whose limits may have changed since. Raises Refused with 429."""
        now = self._clock()
        state = self._state(name, limits, now)
        if state.running >= limits.concurrent:
            wait = self._mean.seconds / state.running
            raise Refused(429, wait, "concurrency", f"{state.running} requests of this key run or wait, its limit")
        if wait := state.take(limits):
            raise Refused(429, wait, "rate", f"this key has had its {limits.per_minute:g} requests a minute")
        state.running += 1
        return Hold(partial(self._end, state, now))

    def _state(self, name: str, limits: Limits, now: float) -> _State:
        state = self._states.get(name)
        if state is None:
            self._forget()
            state = self._states[name] = _State(limits.burst, now)
        self._states.move_to_end(name)
        state.fill(limits, now)
        return state

    def _forget(self) -> None:
        """Make room for one more: drop those without a request that were away longest, whose buckets are fullest."""
        if len(self._states) < self._most:
            return
        idle = next((name for name, state in self._states.items() if not state.running), None)
        if idle is None:
            raise Refused(503, self._mean.seconds, "full", f"requests of {self._most} keys run or wait")
        del self._states[idle]

    def _end(self, state: _State, since: float) -> None:
        state.running -= 1
        self._mean.add(self._clock() - since)
