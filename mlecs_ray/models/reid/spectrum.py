"""How many directions a teacher's features need: the analysis on which distillation by principal components rests."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mlecs_ray.models.reid.distillation import cumulative, enough

MOST = 4000
"""So many samples are looked at, at most. [paper]"""


@dataclass(frozen=True)
class Spectrum:
    """Of features (n, d), uncentred as distillation takes them."""

    energy: Tensor
    """(min(n, d),) the share of ``sum sigma^2`` in the first so many directions."""
    importance: Tensor
    """(d,) each dimension's share of the energy, largest first."""
    samples: int

    @property
    def needed(self) -> Mapping[int, int]:
        """Directions that hold 50, 90, 95 and 99 % of the energy."""
        return {percent: enough(self.energy, percent / 100) for percent in (50, 90, 95, 99)}

    @property
    def dimensions(self) -> float:
        """As many as spread the energy evenly would need: ``exp`` of its entropy (Roy and Vetterli 2007)."""
        shares = torch.diff(self.energy, prepend=torch.zeros(1, dtype=self.energy.dtype)).clamp(min=1e-300)
        return float((-(shares * shares.log()).sum()).exp())


def spectrum(features: Tensor, seed: int = 0) -> Spectrum:
    """Of (n, d); of more than ``MOST`` rows so many are drawn."""
    if len(features) > MOST:
        features = features[torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))[:MOST]]
    columns = features.double().square().sum(0)
    return Spectrum(
        cumulative(torch.linalg.svdvals(features.double())),
        (columns / columns.sum()).sort(descending=True).values,
        len(features),
    )
