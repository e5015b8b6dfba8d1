"""The virtual world: who is there, how long a job takes, how it ends, and what it draws."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client, Work
from mlecs_ray.seeds import uniform
from mlecs_ray.sim.availability import Always, Availability, State, States
from mlecs_ray.sim.faults import Faults
from mlecs_ray.sim.load import Idle, Load
from mlecs_ray.sim.masks import Masks
from mlecs_ray.sim.population import CLOUD, Population
from mlecs_ray.sim.shifts import Shifts
from mlecs_ray.sim.timing import Fate, Timing

__all__ = ["Fate", "Timing", "World", "tiers"]

_EMPTY = 1 - 1e-9
"""A battery counts as empty a billionth early: rounding must not leave a client a job's worth of nothing."""
_normal = NormalDist().inv_cdf


@dataclass(eq=False)
class World:
    """Answers from columns and counter-based draws; the energy spent is all that changes.

    ``jitter`` is the sigma of a log-normal factor (median 1) on compute seconds, drawn from (seed, client, job).
    The cloud's client (id -1) is always online, never loaded, never struck, and draws from the mains.
    """

    population: Population
    masks: Masks
    availability: Availability = field(default_factory=Always)
    load: Load = field(default_factory=Idle)
    faults: Faults = field(default_factory=Faults)
    shifts: Shifts = field(default_factory=Shifts)
    jitter: float = 0.0
    seed: int = 0
    spent: NDArray[np.float64] = field(init=False)
    """Joules by client; the last entry is the cloud's, so that -1 finds it."""

    def __post_init__(self) -> None:
        if not 0 <= self.jitter < math.inf:
            raise InputError(f"jitter={self.jitter} must be finite and >= 0, or durations are meaningless")
        self._keep(np.zeros(len(self.population) + 1))
        # Views give plain numbers, where numpy makes an object of its own of each.
        self._slowdown = np.append(self.population.slowdown, np.float32(1.0)).data
        self._device = self.population.device.data
        self._batteries = [device.budget.battery_joules for device in self.population.devices]

    @property
    def count(self) -> int:
        """How many edge clients there are."""
        return len(self.population)

    def client(self, number: int, now: float) -> Client:
        """Client ``number`` as the server may know it now."""
        modalities = self.masks.of(number, now)
        return self.population.client(number, modalities, self.shifts.of(number, now), self.load.factor(number, now))

    def opening(self) -> list[int]:
        """Who is online at 0, in order."""
        online: list[int] = np.flatnonzero(self.states()[0]).tolist()
        return online

    def states(self) -> States:
        """For each client what ``state`` says at 0, while every battery is full."""
        return self.availability.opening(self.count)

    def state(self, number: int, now: float) -> State:
        """Is the client online, and until when (exclusive); a client with an empty battery is offline for ever."""
        if number == CLOUD:
            return True, math.inf
        battery = self._batteries[self._device[number]]
        if battery is not None and self._spent[number] >= battery * _EMPTY:
            return False, math.inf
        return self.availability.state(number, now)

    def timing(self, client: Client, now: float, number: int, download_bytes: float, work: Work) -> Timing:
        """What job ``number``, begun ``now``, takes of this client: latency and bytes, FLOPs, bytes and latency.

        Background load counts as it is when computing starts. Raises InputError where a figure makes no duration.
        """
        spread = 1.0
        if self.jitter:
            spread = math.exp(self.jitter * _normal(uniform(self.seed, "jitter", client.id, number) + 2**-54))
        return self._timing(client, now, download_bytes, work, spread)

    def expected_seconds(self, client: Client, download_bytes: float, work: Work) -> float:
        """The same without jitter and load: what a server may know beforehand, e.g. to form tiers."""
        return self._timing(client, None, download_bytes, work, 1.0).total

    def fate(self, number: int, job: int, now: float, timing: Timing) -> Fate:
        """How ``job`` of client ``number``, begun ``now``, ends: the first of offline, fault and empty battery."""
        if number == CLOUD:
            return Fate(timing.total)
        online, until = self.state(number, now)
        if not online:
            # Nobody takes the download, which the server notices when it should have been done.
            return Fate(timing.download or timing.total, "offline")
        best = Fate(_span(now, until), "offline") if until < now + timing.total else Fate(timing.total)
        strike = self.faults.strike(number, job, now, timing)
        if strike is not None and (strike[0] < best.seconds or best.lost is None):
            best = Fate(*strike)
        battery = self._batteries[self._device[number]]
        if battery is not None:
            left = battery - self._spent[number]
            if left < timing.joules and timing.total * left / timing.joules < best.seconds:
                best = Fate(timing.total * left / timing.joules, "battery")
        return best

    def settle(self, number: int, joules: float) -> None:
        """Book what a job drew; for a lost job that is ``timing.joules_until(fate.seconds)``."""
        if not 0 <= joules < math.inf:
            raise InputError(f"client {number} drew {joules} J; it must be finite and >= 0, or its battery is unknown")
        self.spent[number] += joules

    def check_memory(self, client: Client, work: Work) -> None:
        """Raise InputError where ``work`` does not fit into the client's memory."""
        need, have = work.memory_bytes, client.budget.memory_bytes
        if not 0 <= need <= have:
            raise InputError(
                f"structure {client.structure!r} needs {need / 1e9:.3g} GB, device {client.device} of client "
                f"{client.id} has {have / 1e9:.3g} GB: give it a smaller structure, or it can never train"
            )

    def snapshot(self) -> dict[str, NDArray[np.float64]]:
        """What a checkpoint must keep."""
        return {"spent": self.spent.copy()}

    def restore(self, kept: Mapping[str, NDArray[np.float64]]) -> None:
        """Put back what ``snapshot`` gave; raises InputError where it is of another fleet."""
        spent = np.array(kept["spent"], dtype=np.float64)
        if spent.shape != self.spent.shape:
            raise InputError(
                f"a checkpoint of {len(spent) - 1} clients cannot resume a world of {self.count}: batteries would be "
                "unknown"
            )
        self._keep(spent)

    def _keep(self, spent: NDArray[np.float64]) -> None:
        self.spent, self._spent = spent, spent.data

    def _timing(self, client: Client, now: float | None, download_bytes: float, work: Work, spread: float) -> Timing:
        budget, upload_bytes = client.budget, work.upload_bytes
        try:
            if not work.flops > 0:
                raise InputError(f"flops={work.flops} must be > 0: a cost that was not counted makes a meaningless run")
            slow = self._slowdown[client.id]
            download = slow * (budget.latency_seconds + 8 * download_bytes / budget.downlink_bps)
            compute = slow * work.flops / budget.flops * spread
            if now is not None and client.id != CLOUD:
                compute *= self.load.factor(client.id, now + download)
            timing = Timing(
                download,
                compute,
                slow * (budget.latency_seconds + 8 * upload_bytes / budget.uplink_bps),
                work.flops * budget.joules_per_flop,
                (download_bytes + upload_bytes) * budget.joules_per_byte,
            )
            if not timing.total > 0:
                raise InputError(f"its job takes {timing.total} s; it must take time, or the virtual clock halts")
        except ZeroDivisionError as error:
            raise InputError(f"client {client.id} ({client.device}): a rate of 0 in {budget}; no job ends") from error
        except InputError as error:
            raise InputError(f"client {client.id} ({client.device}): {error}") from error
        return timing


def _span(now: float, until: float) -> float:
    """Seconds that, added to ``now``, do not round to before ``until``: or the loss would precede the departure."""
    seconds = until - now
    return seconds if now + seconds >= until else math.nextafter(seconds, math.inf)


def tiers(seconds: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The tier of each client by quantile of its expected seconds: 0 is the fastest; ties go by id."""
    if not 1 <= count <= len(seconds):
        raise InputError(f"{count} tiers of {len(seconds)} clients: must lie in 1..{len(seconds)}, or one is empty")
    ranks = np.empty(len(seconds), dtype=np.int64)
    ranks[np.argsort(seconds, kind="stable")] = np.arange(len(seconds))
    return ranks * count // len(seconds)
