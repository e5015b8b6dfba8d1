"""When clients are online: always, by day and night, at random, and from when to when they belong to the fleet."""

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mlecs_ray.errors import InputError
from mlecs_ray.seeds import derive, uniform
from mlecs_ray.sim.checks import check_positive, check_share
from mlecs_ray.streams import derived, uniforms

State = tuple[bool, float]
"""Is the client online, and until when (exclusive) this holds, ``math.inf`` if for ever.

Being online ends there. Being offline may go on after it where two conditions must meet (``Both``, ``Membership``).
"""

States = tuple[NDArray[np.bool_], NDArray[np.float64]]
"""``State`` of many clients, in columns."""

_FOR_EVER: State = (True, math.inf)
_NEVER: State = (False, math.inf)


class Availability(Protocol):
    """Who is online when; pure, so that any order of questions gives the same answers."""

    def state(self, client: int, seconds: float) -> State:
        """The state of ``client`` (0, 1, ...) at ``seconds`` >= 0; ``until`` is later than ``seconds``."""

    def opening(self, count: int) -> States:
        """The states of the first ``count`` clients at second 0, number for number as ``state`` has them."""


@dataclass(frozen=True)
class Always:
    """Nobody ever leaves."""

    def state(self, client: int, seconds: float) -> State:
        return _FOR_EVER

    def opening(self, count: int) -> States:
        return _for_ever(count)


def _for_ever(count: int) -> States:
    return np.ones(count, dtype=np.bool_), np.full(count, math.inf)


@dataclass(frozen=True)
class Diurnal:
    """Online for the first ``on_share`` of each ``period`` seconds, such as the night on a charger.

    Each client's day starts up to ``spread`` periods late: 0 is one time zone, 1 is all around the globe.
    """

    period: float = 86_400.0
    on_share: float = 0.5
    spread: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_positive("period", self.period, "a day has no length")
        check_share("on_share", self.on_share, "nobody is ever online", zero=False)
        check_share("spread", self.spread, "days start outside a day")

    def state(self, client: int, seconds: float) -> State:
        if self.on_share == 1:
            return _FOR_EVER
        phase = self.period * self.spread * uniform(self.seed, "diurnal", client)
        day = math.floor((seconds - phase) / self.period)
        # Rounding may put the quotient on the wrong side of midnight; midnights as computed here decide.
        if phase + (day + 1) * self.period <= seconds:
            day += 1
        elif phase + day * self.period > seconds:
            day -= 1
        dusk, midnight = phase + (day + self.on_share) * self.period, phase + (day + 1) * self.period
        return (True, dusk) if seconds < dusk else (False, midnight)

    def opening(self, count: int) -> States:
        if self.on_share == 1:
            return _for_ever(count)
        phase = self.period * self.spread * uniforms(self.seed, "diurnal", np.arange(count, dtype=np.uint64))
        day = np.floor((0.0 - phase) / self.period)
        day = np.where(
            phase + (day + 1) * self.period <= 0, day + 1, np.where(phase + day * self.period > 0, day - 1, day)
        )
        dusk, midnight = phase + (day + self.on_share) * self.period, phase + (day + 1) * self.period
        return dusk > 0, np.where(dusk > 0, dusk, midnight)


class _Cursors:
    """Where each client's last answer lay, in columns of 8 bytes: speed only, answers never depend on it."""

    def __init__(self) -> None:
        self.index = array("q")
        self.start = array("d")
        self.end = array("d")

    def reach(self, client: int) -> None:
        """Make room for ``client``; an end of 0 says that nothing has been drawn yet."""
        missing = client + 1 - len(self.index)
        if missing > 0:
            grow = max(missing, len(self.index) // 2)
            for column in (self.index, self.start, self.end):
                column.frombytes(bytes(8 * grow))


@dataclass(frozen=True)
class Markov:
    """On and off in turn, each for an exponential time of these means; it starts in its stationary state.

    The k-th interval of a client is drawn from (seed, client, k) and the intervals are added up from zero.
    """

    mean_on: float
    mean_off: float
    seed: int = 0
    _cursors: _Cursors = field(default_factory=_Cursors, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_positive("mean_on", self.mean_on, "nobody is ever online")
        check_positive("mean_off", self.mean_off, "nobody ever leaves (use Always)")

    def state(self, client: int, seconds: float) -> State:
        if client < 0 or not seconds < math.inf:
            raise InputError(f"client={client} at {seconds} s: ids start at 0 and time is finite, or there is no state")
        cursors = self._cursors
        cursors.reach(client)
        starts_on = uniform(self.seed, "first", client) * (self.mean_on + self.mean_off) < self.mean_on
        index, start, end = cursors.index[client], cursors.start[client], cursors.end[client]
        if seconds < start or end == 0.0:
            index, start, end = -1, 0.0, 0.0
        stream = derive(self.seed, "interval", client)
        while end <= seconds:
            index += 1
            mean = self.mean_on if starts_on == (index % 2 == 0) else self.mean_off
            start, end = end, end - mean * math.log1p(-uniform(stream, index))
        cursors.index[client], cursors.start[client], cursors.end[client] = index, start, end
        return starts_on == (index % 2 == 0), end

    def opening(self, count: int) -> States:
        clients = np.arange(count, dtype=np.uint64)
        online = uniforms(self.seed, "first", clients) * (self.mean_on + self.mean_off) < self.mean_on
        draws = uniforms(derived(self.seed, "interval", clients), 0).tolist()
        # Not numpy's logarithm: it may differ in the last bit from the one that ``state`` takes.
        until = -np.where(online, self.mean_on, self.mean_off) * [math.log1p(-draw) for draw in draws]
        for client in np.flatnonzero(until <= 0).tolist():
            online[client], until[client] = self.state(client, 0.0)
        return online, until


def _meet(first: Availability, second: Availability, client: int, seconds: float) -> State:
    """On while both are; off at least until those that are off come back.

    Whether the other is then still on is asked then: looking ahead would draw a future that may never be needed.
    """
    (here, here_until), (there, there_until) = first.state(client, seconds), second.state(client, seconds)
    if here and there:
        return True, min(here_until, there_until)
    return False, max(-math.inf if here else here_until, -math.inf if there else there_until)


def _meet_all(first: States, second: States) -> States:
    """``_meet`` for columns."""
    (here, here_until), (there, there_until) = first, second
    back = np.maximum(np.where(here, -math.inf, here_until), np.where(there, -math.inf, there_until))
    both = here & there
    return both, np.where(both, np.minimum(here_until, there_until), back)


@dataclass(frozen=True)
class Both:
    """Online when both are, e.g. ``Both(Diurnal(...), Markov(...))``: nights on a charger with gaps in the WiFi.

    While off, ``until`` is when they may meet: they need not, and are asked again.
    """

    first: Availability
    second: Availability

    def state(self, client: int, seconds: float) -> State:
        return _meet(self.first, self.second, client, seconds)

    def opening(self, count: int) -> States:
        return _meet_all(self.first.opening(count), self.second.opening(count))


@dataclass(frozen=True)
class _Stay:
    joins: Mapping[int, float]
    leaves: Mapping[int, float]

    def state(self, client: int, seconds: float) -> State:
        join, leave = self.joins.get(client, 0.0), self.leaves.get(client, math.inf)
        if seconds < join:
            return False, join
        return (True, leave) if seconds < leave else _NEVER

    def opening(self, count: int) -> States:
        online, until = _for_ever(count)
        for client in self.joins.keys() | self.leaves.keys():
            if client < count:
                online[client], until[client] = self.state(client, 0.0)
        return online, until


@dataclass(frozen=True)
class Membership:
    """``inner`` for as long as a client belongs to the fleet: from ``joins[client]`` to ``leaves[client]`` seconds.

    Who is in neither table belongs to it from the start to the end.
    """

    inner: Availability
    joins: Mapping[int, float] = field(default_factory=dict)
    leaves: Mapping[int, float] = field(default_factory=dict)
    _stay: _Stay = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for client in self.joins.keys() | self.leaves.keys():
            join, leave = self.joins.get(client, 0.0), self.leaves.get(client, math.inf)
            if not 0 <= join < leave:
                raise InputError(
                    f"client {client} joins at {join} s and leaves at {leave} s; it must join at 0 or later and leave "
                    "after that, or it never belongs to the fleet"
                )
        object.__setattr__(self, "_stay", _Stay(self.joins, self.leaves))

    def state(self, client: int, seconds: float) -> State:
        return _meet(self._stay, self.inner, client, seconds)

    def opening(self, count: int) -> States:
        return _meet_all(self._stay.opening(count), self.inner.opening(count))
