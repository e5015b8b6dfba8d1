"""BNNeck (Luo et al., arXiv 1903.07071): identities are named from features that are centred first."""

from typing import final

from torch import Tensor, nn
from torch.nn import functional as F

from mlecs_ray.models.classifier import seeded
from mlecs_ray.seeds import derive


@final
class Neck(nn.Module):
    """A batch norm without a shift of its own, and a linear layer without bias, from d to the identities."""

    def __init__(self, width: int, identities: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.norm.bias.requires_grad_(False)
        self.name = nn.Linear(width, identities, bias=False)
        nn.init.normal_(self.name.weight, std=0.001)

    def loss(self, features: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of the identities ``labels`` (n,), counted from 0, of ``features`` (n, d), in training."""
        return F.cross_entropy(self.name(self.norm(features)), labels)


def seeded_neck(width: int, identities: int, seed: int) -> Neck:
    """A fresh one, whose weights are drawn from the seed."""
    return seeded(derive(seed, "neck"), lambda: Neck(width, identities))
