"""Linear layers as trees, for models that are pure functions of their parameters.

Leaves with one dimension more are those of k clients, stacked: rows then belong to them in equal shares, client after
client.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.tree import Tree


def init_linear(generator: torch.Generator, inputs: int, outputs: int) -> dict[str, Tensor]:
    """Weight (outputs, inputs) and bias (outputs,), uniform in +-1/sqrt(inputs) as ``torch.nn.Linear`` has it."""
    bound = inputs**-0.5
    return {
        "weight": torch.empty(outputs, inputs).uniform_(-bound, bound, generator=generator),
        "bias": torch.empty(outputs).uniform_(-bound, bound, generator=generator),
    }


def linear(layer: Tree, x: Tensor) -> Tensor:
    """``x W^T + b``: (n, ..., inputs) to (n, ..., outputs)."""
    weight: Tensor = layer["weight"]
    if weight.dim() == 2:
        return F.linear(x, weight, layer["bias"])
    return torch.baddbmm(layer["bias"][:, None], _by_client(x, len(weight)), weight.mT).view(*x.shape[:-1], -1)


def product(weight: Tensor, x: Tensor) -> Tensor:
    """``x W^T``: (n, inputs) to (n, outputs)."""
    if weight.dim() == 2:
        return F.linear(x, weight)
    return torch.bmm(_by_client(x, len(weight)), weight.mT).view(*x.shape[:-1], -1)


def _by_client(x: Tensor, clients: int) -> Tensor:
    """(n, ..., d) to (clients, rows of each, d)."""
    return x.reshape(clients, -1, x.shape[-1])


def each_row(vector: Tensor, n: int) -> Tensor:
    """A vector (d,) as it is, for all rows alike; stacked (k, d), that of each of ``n`` rows: (n, d)."""
    return vector if vector.dim() == 1 else vector.repeat_interleave(n // len(vector), 0)


def nats(logits: Tensor, labels: Tensor, real: Tensor) -> Tensor:
    """Cross-entropy of each of k clients, (k,): the mean over the rows, of k * b, that are ``real`` (k, b)."""
    each = F.cross_entropy(logits, labels, reduction="none").view(real.shape)
    # What fills up is copies of real rows, so no loss of it can be infinite where the client's own is not.
    return (each * (real / real.sum(1, keepdim=True))).sum(1)


def rows(x: Tensor, present: Tensor) -> Tensor:
    """``x`` (n, ...) as (n, features), with zeros where the sample is not ``present``, whatever stood there."""
    return x.flatten(1).masked_fill(~present[:, None], 0.0)
