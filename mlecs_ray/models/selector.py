"""The unified selector: from the raw input to the gates of every layer at once, so no module needs to run (2311.11083).

Noisy top-k gating and the load balance after Shazeer et al., arXiv 1701.06538.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from mlecs_ray.errors import InputError
from mlecs_ray.models.dense import init_linear, linear
from mlecs_ray.models.networks import Form
from mlecs_ray.tree import Tree, tree_bytes

_SIDE = 16
"""Pictures are looked at in this size."""
CARRIED = ("embed", "head")
"""What a device needs of the parameters."""
_STILL = 1e-3
"""Added to deviations: a blank picture must not be blown up."""


@dataclass(frozen=True)
class Selector:
    """One embedding of the raw input, one head for each of L layers of N modules.

    Paths: ``embed/0|1`` and ``head``, and ``noise``, which only training in the cloud needs.
    """

    form: Form
    layers: int
    modules: int
    top: int
    """Modules that a sample passes in each layer."""
    width: int = 32
    channels: int = 12

    def __post_init__(self) -> None:
        if not 1 <= self.top <= self.modules:
            raise InputError(f"top={self.top} must lie in 1..modules={self.modules}, or a sample has no way through")

    def init(self, generator: Generator) -> Tree:
        """Fresh; the heads start at zero, so that at first all modules are equally likely."""
        outputs = self.layers * self.modules
        blank = {"weight": torch.zeros(outputs, self.width), "bias": torch.zeros(outputs)}
        return {"embed": self._init_embedding(generator), "head": dict(blank), "noise": dict(blank)}

    def _init_embedding(self, generator: Generator) -> Tree:
        if len(self.form) == 1:
            return {"0": init_linear(generator, self.form[0], self.width)}
        side = min(_SIDE, *self.form[1:])
        filters = init_linear(generator, self.form[0] * 9, self.channels)
        kernel = {"weight": filters["weight"].view(self.channels, self.form[0], 3, 3), "bias": filters["bias"]}
        places = self.channels * math.ceil(side / 4) ** 2
        return {"0": kernel, "1": init_linear(generator, places, self.width)}

    @property
    def carried_bytes(self) -> int:
        """Of what a device needs, as it travels and lies in memory."""
        tree = self.init(Generator())
        return tree_bytes({name: tree[name] for name in CARRIED})

    @property
    def multiplications(self) -> int:
        """Of one sample, without the noise."""
        heads = self.width * self.layers * self.modules
        if len(self.form) == 1:
            return self.form[0] * self.width + heads
        side = min(_SIDE, *self.form[1:])
        halved, pooled = math.ceil(side / 2), math.ceil(side / 4)
        return self.channels * (self.form[0] * 9 * halved**2 + pooled**2 * self.width) + heads

    def embed(self, params: Tree, x: Tensor) -> Tensor:
        """(n, *form) to (n, width)."""
        embed = params["embed"]
        if len(self.form) == 1:
            return F.relu(linear(embed["0"], x.flatten(1)))
        side = min(_SIDE, *self.form[1:])
        # Each picture in its own scale: on a bright ground all look alike otherwise.
        small = F.adaptive_avg_pool2d(x, side)
        small = (small - small.mean((1, 2, 3), keepdim=True)) / (small.std((1, 2, 3), keepdim=True) + _STILL)
        seen = F.relu(F.conv2d(small, embed["0"]["weight"], embed["0"]["bias"], 2, 1))
        pooled = F.adaptive_avg_pool2d(seen, math.ceil(side / 4))
        return F.relu(linear(embed["1"], pooled.flatten(1)))

    def scores(self, params: Tree, x: Tensor) -> Tensor:
        """(n, L, N), without noise."""
        return self._heads(params["head"], self.embed(params, x))

    def noisy(self, params: Tree, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores without and with noise, ``s + N(0, 1) softplus(noise head)``, drawn from torch's own generator."""
        seen = self.embed(params, x)
        plain, spread = self._heads(params["head"], seen), F.softplus(self._heads(params["noise"], seen))
        return plain, plain + torch.randn_like(plain) * spread

    def _heads(self, head: Tree, seen: Tensor) -> Tensor:
        return linear(head, seen).view(-1, self.layers, self.modules)

    def gates(self, scores: Tensor, held: Tensor | None = None, top: int | None = None) -> Tensor:
        """(n, L, N): softmax over the ``top`` best of each layer, of those that are ``held`` (L, N); 0 for others.

        With fewer than ``top`` held all of them take part, so the gates of a layer always sum to 1.
        """
        if held is not None:
            scores = scores.masked_fill(~held.bool().to(scores.device), -math.inf)
        best, places = scores.topk(top or self.top, -1)
        return torch.zeros_like(scores).scatter(-1, places, best.softmax(-1))


def balance(gates: Tensor) -> Tensor:
    """Squared coefficient of variation of modules' total gates in the batch, summed over layers: (n, L, N) to ()."""
    total = gates.sum(0)
    mean = total.mean(-1)
    return (total.var(-1, unbiased=False) / mean.square().clamp(min=1e-12)).sum()
