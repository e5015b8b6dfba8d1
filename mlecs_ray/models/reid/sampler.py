"""Which sightings a batch has: some identities, and of each a few in every modality (arXiv 2602.12936)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mlecs_ray.errors import InputError
from mlecs_ray.seeds import generator

Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sampler:
    """``identities`` x up to ``each`` x modalities [paper: x 2 x 4]; a function of the seed and the step alone.

    Every epoch has all identities once, in a new order; those that are left over at its end wait for the next.
    """

    labels: Mapping[str, Places]
    """For each modality the identities (n,) of its sightings."""
    identities: int
    each: int
    seed: int

    def __post_init__(self) -> None:
        if self.identities < 2 or self.each < 1:
            raise InputError(
                f"identities={self.identities} must be 2 or more and each={self.each} 1 or more in a batch, or nobody "
                "is told from anybody"
            )
        if len(self.every) < 2:
            raise InputError(f"there are {len(self.every)} identities to learn from; it takes 2 to tell them apart")

    @cached_property
    def every(self) -> Places:
        """All identities, in order."""
        return np.unique(np.concatenate([np.asarray(one) for one in self.labels.values()]))

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return max(len(self.every) // self.identities, 1)

    def batch(self, step: int) -> dict[str, Places]:
        """For each modality the positions of the sightings of step ``step``; modalities without any are left out."""
        epoch, place = divmod(step, self.steps)
        order = generator(self.seed, "order", epoch).permutation(self.every)
        chance = generator(self.seed, "sightings", step)
        chosen = order[place * self.identities : (place + 1) * self.identities]
        found = {
            modality: [i for one in chosen for i in self._some(modality, int(one), chance)] for modality in self.labels
        }
        return {modality: np.array(places, np.int64) for modality, places in found.items() if places}

    def _some(self, modality: str, identity: int, chance: np.random.Generator) -> Places:
        there = self._where[modality].get(identity)
        if there is None:
            return np.zeros(0, np.int64)
        return there if len(there) <= self.each else chance.choice(there, self.each, replace=False)

    @cached_property
    def _where(self) -> Mapping[str, Mapping[int, Places]]:
        found: dict[str, dict[int, Places]] = {}
        for modality, labels in self.labels.items():
            order = np.argsort(labels, kind="stable")
            names, starts = np.unique(np.asarray(labels)[order], return_index=True)
            parts = np.split(order, starts[1:])
            found[modality] = dict(zip(names.tolist(), parts, strict=True))
        return found
