"""Modules that begin with a part of their block's weights, so that a cloud's model is decomposed and not built anew.

A module takes over some of the block's inner channels, neurons or heads. A block of a class of one's own does so once
its rule is registered with ``inherit.register``; without one its modules begin fresh.
"""

from functools import singledispatch

import torch
from torch import Tensor, nn

from mlecs_ray.models.networks import EncoderLayer, ResidualBlock


@singledispatch
def inherit(block: nn.Module, module: nn.Module, place: int) -> None:
    """Give ``module``, made by ``shrunk(block, ..)``, its part of the block's weights: that of module ``place``."""


def share(width: int, part: int, place: int) -> Tensor:
    """``part`` of ``width`` channels for module ``place``: neighbours, each the next ones, around and around."""
    return (torch.arange(part) + place * part) % width


@inherit.register
@torch.no_grad()
def _(block: ResidualBlock, module: nn.Module, place: int) -> None:
    assert isinstance(module, ResidualBlock)
    mine = share(block.inner, module.inner, place)
    (first, second), (norm, last) = _weighted(block.body), _norms(block.body)
    (narrow, wide), (inner, outer) = _weighted(module.body), _norms(module.body)
    narrow.weight.copy_(first.weight[mine])
    _normed(inner, norm, mine)
    wide.weight.copy_(second.weight[:, mine])
    outer.load_state_dict(last.state_dict())


@inherit.register
@torch.no_grad()
def _(block: EncoderLayer, module: nn.Module, place: int) -> None:
    assert isinstance(module, EncoderLayer)
    heads, inner = share(block.heads, module.heads, place), share(block.inner, module.inner, place)
    # Rounding may leave fewer heads of more values each: those come from the next head, around and around.
    whole = block.heads * block.head
    values = (heads[:, None] * block.head + torch.arange(module.head)).flatten() % whole
    asked = torch.cat([values + i * whole for i in range(3)])
    for name in ("before", "between"):
        getattr(module, name).load_state_dict(getattr(block, name).state_dict())
    module.ask.weight.copy_(block.ask.weight[asked])
    module.ask.bias.copy_(block.ask.bias[asked])
    module.widen.weight.copy_(block.widen.weight[inner])
    module.widen.bias.copy_(block.widen.bias[inner])
    # What is left of a sum is as large as the sum was.
    module.join.weight.copy_(block.join.weight[:, values] * (block.heads / module.heads))
    module.join.bias.copy_(block.join.bias)
    module.narrow.weight.copy_(block.narrow.weight[:, inner] * (block.inner / module.inner))
    module.narrow.bias.copy_(block.narrow.bias)


@inherit.register
@torch.no_grad()
def _(block: nn.Sequential, module: nn.Module, place: int) -> None:
    """A factor reads what some of the layer's outputs read, and puts each in its place."""
    assert isinstance(module, nn.Sequential)
    if (len(_weighted(block)), len(_weighted(module))) != (1, 2):
        # Shrunk by a rule of one's own, which need not make a factor.
        return
    (layer,), (narrow, wide) = _weighted(block), _weighted(module)
    outputs, inner = len(layer.weight), len(narrow.weight)
    mine = share(outputs, inner, place)
    narrow.weight.copy_(layer.weight[mine])
    if narrow.bias is not None and layer.bias is not None:
        narrow.bias.copy_(layer.bias[mine])
    scatter = torch.zeros(outputs, inner)
    scatter[mine, torch.arange(inner)] = 1.0
    wide.weight.mul_(_FAINT).add_(scatter.view(wide.weight.shape))
    assert wide.bias is not None
    wide.bias.zero_()
    own, theirs = _norms(block), _norms(module)
    if own and theirs:
        _normed(theirs[0], own[0], mine)
    # These are over the outputs, of which a module has as many.
    for last, known in zip(_over_outputs(module), _over_outputs(block), strict=False):
        last.load_state_dict(known.state_dict())


_FAINT = 0.3
"""What is left of the first weights where a place has none to inherit: the other outputs begin there."""


def _weighted(block: nn.Sequential) -> list[nn.Linear | nn.Conv2d]:
    return [part for part in block if isinstance(part, nn.Linear | nn.Conv2d)]


def _norms(block: nn.Sequential) -> list[nn.GroupNorm]:
    return [part for part in block if isinstance(part, nn.GroupNorm)]


def _over_outputs(block: nn.Sequential) -> list[nn.LayerNorm]:
    return [part for part in block if isinstance(part, nn.LayerNorm)]


def _normed(module: nn.GroupNorm, norm: nn.GroupNorm, mine: Tensor) -> None:
    module.weight.copy_(norm.weight[mine])
    module.bias.copy_(norm.bias[mine])
