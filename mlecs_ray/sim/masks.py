"""Which modalities a client has, and when: sensors it lacks, sensors that fail and return."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mlecs_ray.errors import InputError
from mlecs_ray.seeds import derive, uniform
from mlecs_ray.sim.checks import check_positive, check_share


class Masks(Protocol):
    """The modalities of a client; pure, and never the empty set."""

    def of(self, client: int, seconds: float) -> frozenset[str]:
        """What ``client`` has at ``seconds``."""


def _check(modalities: tuple[str, ...]) -> None:
    if not modalities or len(set(modalities)) != len(modalities):
        raise InputError(
            f"modalities={modalities!r} must be one or more different names, or a client has nothing to learn from"
        )


def _draw(modalities: tuple[str, ...], rate: float, seed: int, *keys: int) -> frozenset[str]:
    """Each modality with chance ``rate``; where none is drawn, one at random, so that a client is never blind."""
    stream = derive(seed, "mask", *keys)
    have = frozenset(m for m in modalities if uniform(stream, m) < rate)
    return have or frozenset({modalities[derive(stream, "spare") % len(modalities)]})


@dataclass(frozen=True)
class AllModalities:
    """Everyone has everything."""

    modalities: tuple[str, ...]
    _all: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check(self.modalities)
        object.__setattr__(self, "_all", frozenset(self.modalities))

    def of(self, client: int, seconds: float) -> frozenset[str]:
        return self._all


@dataclass(frozen=True)
class FixedMasks:
    """Each client has each modality with chance ``rate``, for the whole run, and at least one."""

    modalities: tuple[str, ...]
    rate: float
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self.modalities)
        check_share("rate", self.rate, "no client has a modality", zero=False)

    def of(self, client: int, seconds: float) -> frozenset[str]:
        return _draw(self.modalities, self.rate, self.seed, client)


@dataclass(frozen=True)
class VaryingMasks:
    """Drawn anew in every ``period`` seconds: a sensor fails and returns; at least one always works."""

    modalities: tuple[str, ...]
    rate: float
    period: float
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self.modalities)
        check_share("rate", self.rate, "no client has a modality", zero=False)
        check_positive("period", self.period, "a mask has no length")

    def of(self, client: int, seconds: float) -> frozenset[str]:
        return _draw(self.modalities, self.rate, self.seed, client, math.floor(seconds / self.period))


@dataclass(frozen=True)
class GivenMasks:
    """A table of one's own: client id to its modalities."""

    table: Mapping[int, frozenset[str]]

    def __post_init__(self) -> None:
        for client, modalities in self.table.items():
            if not modalities:
                raise InputError(f"client {client} has no modality; it needs at least one, or it has nothing to learn")

    def of(self, client: int, seconds: float) -> frozenset[str]:
        if client not in self.table:
            raise InputError(f"client {client} is missing from the table of masks, so it cannot be given a job")
        return self.table[client]
