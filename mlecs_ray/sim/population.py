"""The clients as columns: a million of them are a few arrays, and a Client is built when someone asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client
from mlecs_ray.seeds import generator
from mlecs_ray.sim.checks import check_share
from mlecs_ray.sim.devices import Device, find_device

CLOUD = -1
"""The id of the cloud's own client; edge clients count from 0."""


@dataclass(frozen=True)
class Stragglers:
    """``share`` of the clients need ``factor`` times the seconds of their device, to compute and to transfer."""

    share: float
    factor: float

    def __post_init__(self) -> None:
        check_share("share", self.share, "it is no part of the clients")
        if not 1 <= self.factor < np.inf:
            raise InputError(f"factor={self.factor} must be finite and >= 1, or stragglers would be the fast ones")


@dataclass(frozen=True, eq=False)
class Population:
    """Row i is client i. ``device`` and ``structure`` are indices into ``devices`` and ``structures``."""

    devices: tuple[Device, ...]
    structures: tuple[str, ...]
    device: NDArray[np.int16]
    samples: NDArray[np.int32]
    structure: NDArray[np.int16]
    slowdown: NDArray[np.float32]
    """All seconds of a job are multiplied by it; its joules are not."""
    tier: NDArray[np.int16]

    def __post_init__(self) -> None:
        if not len(self.samples):
            raise InputError("a population of 0 clients must have at least 1, or nothing can be learned")
        empty = np.flatnonzero(self.samples < 1)
        if len(empty):
            raise InputError(
                f"client {empty[0]} has {self.samples[empty[0]]} samples; it needs at least 1, or it cannot train"
            )

    def __len__(self) -> int:
        return len(self.samples)

    @cached_property
    def _rows(self) -> tuple[memoryview, memoryview, memoryview, memoryview]:
        """Device, samples, structure and tier as plain numbers: numpy would make an object of its own of each."""
        return self.device.data, self.samples.data, self.structure.data, self.tier.data

    def client(self, number: int, modalities: frozenset[str], step: int = 0, load: float = 1.0) -> Client:
        """Client ``number`` with the modalities, step and load that it has now; raises InputError where there is no
        such row."""
        device, samples, structure, tier = self._rows
        if not 0 <= number < len(samples):
            raise InputError(f"client {number} must lie in 0..{len(self) - 1}, or it has no device and no data")
        kind = self.devices[device[number]]
        return Client(
            id=number,
            modalities=modalities,
            budget=kind.budget,
            device=kind.name,
            samples=samples[number],
            structure=self.structures[structure[number]],
            tier=tier[number],
            step=step,
            load=load,
        )

    def tier_of(self, number: int) -> int:
        """The tier of client ``number``."""
        tier: int = self._rows[3][number]
        return tier

    def with_tiers(self, tier: ArrayLike) -> "Population":
        """The same clients in these tiers."""
        return replace(self, tier=np.asarray(tier, dtype=np.int16))

    def with_stragglers(self, stragglers: Stragglers, seed: int) -> "Population":
        """The same clients, of which exactly a share (rounded) is slower, drawn from ``seed``."""
        slow = generator(seed, "stragglers").permutation(len(self))[: round(stragglers.share * len(self))]
        slowdown = self.slowdown.copy()
        slowdown[slow] *= np.float32(stragglers.factor)
        return replace(self, slowdown=slowdown)


def draw_population(
    count: int,
    mix: Mapping[str, float],
    samples: ArrayLike,
    structures: Mapping[str, str] | Mapping[str, float],
    seed: int,
) -> Population:
    """``count`` clients: devices by ``mix`` (relative shares, met exactly but for rounding), in an order from ``seed``.

    ``samples`` is (count,). ``structures`` gives each device its model structure (``{"pi4b": "small", ...}``), or the
    shares of structures among all clients (``{"small": 2, "large": 1}``); empty where there is only one.
    Raises InputError for an unknown device, a share that is no share, or a client without samples.
    """
    owned = np.asarray(samples, dtype=np.int32)
    if owned.shape != (count,):
        raise InputError(f"samples has shape {owned.shape}, but count={count}: each client needs its own number")
    devices = tuple(find_device(name) for name in mix)
    device = _deal(count, mix, seed, "device")
    names, structure = _structures(device, devices, structures, seed)
    ones, zeros = np.ones(count, dtype=np.float32), np.zeros(count, dtype=np.int16)
    return Population(devices, names, device, owned, structure, slowdown=ones, tier=zeros)


def cloud_client(modalities: Sequence[str], samples: int, structure: str = "") -> Client:
    """The cloud as a client: on mains, always online, with all modalities."""
    device = find_device("cloud")
    return Client(
        id=CLOUD,
        modalities=frozenset(modalities),
        budget=device.budget,
        device=device.name,
        samples=samples,
        structure=structure,
        role="cloud",
    )


def _structures(
    device: NDArray[np.int16],
    devices: tuple[Device, ...],
    structures: Mapping[str, str] | Mapping[str, float],
    seed: int,
) -> tuple[tuple[str, ...], NDArray[np.int16]]:
    """The names of the structures, and each client's index into them."""
    if not structures:
        return ("",), np.zeros(len(device), dtype=np.int16)
    if not any(isinstance(value, str) for value in structures.values()):
        shares = {name: float(share) for name, share in structures.items()}
        return tuple(shares), _deal(len(device), shares, seed, "structure")
    missing = [d.name for d in devices if d.name not in structures]
    if missing:
        raise InputError(f"device {missing[0]!r} has no model structure, so its clients cannot be given a job")
    names = tuple(dict.fromkeys(str(v) for v in structures.values()))
    return names, np.array([names.index(str(structures[d.name])) for d in devices], dtype=np.int16)[device]


def _deal(count: int, shares: Mapping[str, float], seed: int, purpose: str) -> NDArray[np.int16]:
    """Indices into ``shares`` in a random order; how often each occurs is settled by largest remainders."""
    weights = np.array(list(shares.values()), dtype=np.float64)
    if not len(weights) or not np.isfinite(weights).all() or (weights < 0).any() or weights.sum() <= 0:
        raise InputError(
            f"shares of {purpose} {dict(shares)} must be finite, >= 0 and not all 0, or nobody knows who gets which"
        )
    exact = count * weights / weights.sum()
    many = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - many), kind="stable")
    many[order[: count - int(many.sum())]] += 1
    dealt = np.repeat(np.arange(len(weights), dtype=np.int16), many)
    return generator(seed, "population", purpose).permutation(dealt)
