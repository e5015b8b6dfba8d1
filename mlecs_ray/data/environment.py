"""What surrounds each client, step by step: pure in (seed, client, step), so that it may be asked in any order.

A client has a fixed number of slots for samples. At every step a share of them is filled anew, with samples of the
environment that it has come to; the others stay as they were.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import comb
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlecs_ray.data.holdings import distinct
from mlecs_ray.errors import InputError
from mlecs_ray.seeds import derive, uniform
from mlecs_ray.streams import orders, uniforms

Steps = NDArray[np.int64]
Labels = tuple[int, ...]
NONE = "none"
"""The corruption that leaves samples as they are."""


@dataclass(frozen=True)
class Environment:
    """One place: its classes (None: all), its domain (None: all together) and what it does to sensors."""

    classes: Labels | None
    domain: str | None
    corruption: str | None


@dataclass(frozen=True)
class Rules:
    """What environments are drawn from, and what clients own; `docs/data.md` explains each."""

    classes: int | None = None
    contexts: int = 0
    domains: tuple[str, ...] | Literal["all"] | None = None
    ordered: bool = False
    stay: int = 1
    corruptions: tuple[str, ...] = ()
    severity: float = 0.5
    share: float = 0.5
    least: int = 50
    most: int = 150
    test_rows: int = 100


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Where each client is at each step, and which of its slots are filled there.

    ``offered`` is what the data has: domain (None: all together) -> its classes, none where they are not told apart.
    Raises InputError where the rules ask for more.
    """

    rules: Rules
    offered: Mapping[str | None, Labels]
    clients: int
    seed: int

    def __post_init__(self) -> None:
        for domain in self.domains:
            if domain not in self.offered:
                raise InputError(
                    f"data.environments.domains names {domain!r}, of which train and test have no sample (of a class "
                    f"in common), so nobody could be there; there are {', '.join(map(str, self.offered)) or 'none'}"
                )
        if self.rules.classes and self.rules.classes > len(self.classes):
            raise InputError(
                f"data.environments.classes={self.rules.classes} must be at most {len(self.classes)}, for so many "
                "classes are in both train and test, or no environment has enough"
            )
        if self.rules.classes and self.rules.contexts > (most := comb(len(self.classes), self.rules.classes)):
            raise InputError(
                f"data.environments.contexts={self.rules.contexts} must be at most {most}, for so many sets of "
                f"{self.rules.classes} of {len(self.classes)} classes there are, or some would be the same"
            )

    @cached_property
    def domains(self) -> tuple[str | None, ...]:
        """Those that environments are of."""
        wanted = self.rules.domains
        return (tuple(self.offered) or ("all",)) if wanted == "all" else wanted or (None,)

    @cached_property
    def classes(self) -> Labels:
        """Those that environments are drawn from."""
        return tuple(sorted({label for domain in self.domains for label in self.offered[domain]}))

    @cached_property
    def sizes(self) -> NDArray[np.int32]:
        """(clients,) how many slots each has."""
        least, most = self.rules.least, self.rules.most
        drawn = uniforms(self.seed, "size", np.arange(self.clients, dtype=np.uint64))
        return (least + np.floor(drawn * (most - least + 1))).astype(np.int32)

    @property
    def contexts(self) -> tuple[Labels, ...]:
        """All sets of classes that occur together, where there are only so many."""
        return tuple(self._context(number) for number in range(self.rules.contexts))

    def of(self, client: int, step: int) -> Environment:
        """Where this client is at this step."""
        if self.rules.ordered:
            domain = self.domains[min(step // self.rules.stay, len(self.domains) - 1)]
        else:
            domain = self.domains[self._pick(len(self.domains), "domain", client, step)]
        corruptions = self.rules.corruptions or (NONE,)
        name = corruptions[self._pick(len(corruptions), "corruption", client, step)]
        return Environment(self._met(client, step, domain), domain, None if name == NONE else name)

    def renewed(self, client: int, step: int) -> NDArray[np.bool_]:
        """(slots,) which are filled at this step: all at the first."""
        slots = np.arange(self.sizes[client], dtype=np.uint64)
        return uniforms(derive(self.seed, "renewed", client, step), slots) < (self.rules.share if step else 1.0)

    def filled(self, client: int, step: int) -> Steps:
        """(slots,) the step at which each was last filled."""
        found = np.zeros(self.sizes[client], dtype=np.int64)
        for past in range(step, 0, -1):
            found[(found == 0) & self.renewed(client, past)] = past
            if found.all():
                break
        return found

    def _pick(self, count: int, purpose: str, client: int, step: int) -> int:
        return int(uniform(self.seed, purpose, client, step) * count)

    def _met(self, client: int, step: int, domain: str | None) -> Labels | None:
        """The classes of an environment; of those drawn only what its domain has, and others where that is nothing."""
        if not self.rules.classes:
            return None
        if self.rules.contexts:
            number = self._pick(self.rules.contexts, "context", client, step)
            drawn, name = self._context(number), derive(self.seed, "context", number)
        else:
            name = derive(self.seed, "classes", client, step)
            drawn = _some(self.classes, self.rules.classes, name)
        there = tuple(label for label in drawn if label in self.offered[domain])
        return there or _some(self.offered[domain], self.rules.classes, derive(name, "instead", domain or ""))

    def _context(self, number: int) -> Labels:
        """Classes that occur together. As many sets as the classes allow have none in common; then a new round."""
        size = self.rules.classes or 0
        around, place = divmod(number, len(self.classes) // size)
        (order,) = orders([derive(self.seed, "round", around)], [len(self.classes)])
        return tuple(sorted(self.classes[i] for i in order[place * size : (place + 1) * size]))


def _some(offered: Labels, count: int, seed: int) -> Labels:
    """So many different ones of those offered, or all, in order."""
    return tuple(offered[i] for i in distinct(len(offered), min(count, len(offered)), seed))
