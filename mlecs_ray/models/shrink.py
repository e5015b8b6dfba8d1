"""Blocks with fewer channels, neurons or heads inside, and with none: what a block is decomposed into.

A block of a class of one's own takes part once its rule is registered::

    @shrunk.register
    def _(block: MyBlock, ratio: float) -> nn.Module:
        return MyBlock(block.inputs, block.outputs, hidden=narrowed(block.hidden, ratio))
"""

from collections.abc import Sequence
from functools import singledispatch

from torch import Tensor, nn

from mlecs_ray.errors import InputError
from mlecs_ray.models.networks import EncoderLayer, ResidualBlock, norm, reshaped


def narrowed(width: int, ratio: float) -> int:
    """``ratio`` of a width, at least 1."""
    return max(1, round(width * ratio))


@singledispatch
def shrunk(block: nn.Module, ratio: float) -> nn.Module:  # noqa: ARG001  # the rules need it
    """A module with the input and output shape of ``block`` and ``ratio`` of its inner width, freshly initialised.

    Raises InputError for a block without a rule.
    """
    raise InputError(
        f"a block of {type(block).__name__} has no rule to shrink it, so it cannot be decomposed: register one with "
        "mlecs_ray.models.shrink.shrunk.register, or leave the block out of those that are"
    )


@shrunk.register
def _(block: ResidualBlock, ratio: float) -> nn.Module:
    return ResidualBlock(block.inputs, block.outputs, block.stride, narrowed(block.outputs, ratio))


@shrunk.register
def _(block: EncoderLayer, ratio: float) -> nn.Module:
    # An MLP with a head and a half is none: heads are whole, and at least one.
    heads = max(1, round(block.heads * ratio))
    head = max(1, round(block.heads * block.head * ratio / heads))
    return EncoderLayer(block.width, heads, head, narrowed(block.inner, ratio))


@shrunk.register
def _(block: nn.Sequential, ratio: float) -> nn.Module:
    """A single Linear or Conv2d, with what follows it: it has no inner width, so it gets one, as a factor.

    Linear (a, b): Linear (a, h), ReLU, Linear (h, b), ..; Conv2d (a, b): the same kernel to h channels, a norm where
    the block has one, ReLU, 1 x 1 to b, .. without its norm; h = ratio min(a, b) for layers of one size, so that
    ``ratio`` is about that of the weights.
    """
    first, *rest = block
    weighted = [part for part in rest if isinstance(part, nn.Linear | nn.Conv2d)]
    if weighted or not isinstance(first, nn.Linear | nn.Conv2d):
        raise InputError(
            f"a block of {[type(part).__name__ for part in block]} must be one Linear or Conv2d and what follows "
            "without weights of its own but norms, or it is not known which width is an inner one: register a rule "
            "with mlecs_ray.models.shrink.shrunk.register"
        )
    normed = any(isinstance(part, nn.GroupNorm) for part in rest)
    factors = _dense(first, ratio) if isinstance(first, nn.Linear) else _convolution(first, ratio, normed)
    # A norm stands where the narrow layer ends: over outputs most of which are not the module's it would shift them.
    return nn.Sequential(*factors, *(_again(part) for part in rest if not isinstance(part, nn.GroupNorm)))


def _dense(layer: nn.Linear, ratio: float) -> list[nn.Module]:
    a, b = layer.in_features, layer.out_features
    inner = narrowed(round(a * b / (a + b)), ratio)
    return [nn.Linear(a, inner), nn.ReLU(), nn.Linear(inner, b)]


def _convolution(layer: nn.Conv2d, ratio: float, normed: bool) -> list[nn.Module]:
    inner = narrowed(layer.out_channels, ratio)
    if layer.groups != 1:
        raise InputError(f"a Conv2d of groups={layer.groups} must have 1, or its factor is not the same kernel")
    narrow = nn.Conv2d(
        layer.in_channels,
        inner,
        layer.kernel_size,  # type: ignore[arg-type]  # torch types these wider than it takes them
        layer.stride,  # type: ignore[arg-type]
        layer.padding,  # type: ignore[arg-type]
        layer.dilation,  # type: ignore[arg-type]
        bias=not normed,
        padding_mode=layer.padding_mode,
    )
    return [narrow, *([norm(inner)] if normed else []), nn.ReLU(), nn.Conv2d(inner, layer.out_channels, 1)]


def _again(part: nn.Module) -> nn.Module:
    """The same kind of layer, fresh."""
    if isinstance(part, nn.LayerNorm):
        return nn.LayerNorm(part.normalized_shape, part.eps, part.elementwise_affine, part.bias is not None)
    if any(True for _ in part.parameters()):
        raise InputError(
            f"{type(part).__name__} has weights and no rule to make it anew: register a rule for the block with "
            "mlecs_ray.models.shrink.shrunk.register"
        )
    return part


class Bypass(nn.Module):
    """The residual module of a layer: identity; where the block changes shapes the nearest thing without weights."""

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        return x if tuple(x.shape[1:]) == self.shape else reshaped(x, self.shape)
