"""Classifiers as sequences of blocks: MLP, VGG-like, ResNet-like and transformer, with group norms.

Batch norm's running statistics break when they are averaged over tiny local sets (arXiv 1910.00189), so there is none.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlecs_ray.errors import InputError

Form = tuple[int, ...]
"""Shape of one sample's input: (features,) or (channels, height, width)."""
_GROUPS = 4
_LARGE = 20
"""Higher pictures are halved by the first convolution."""


def norm(channels: int) -> nn.GroupNorm:
    """Of the most groups, up to four, that divide the channels."""
    return nn.GroupNorm(math.gcd(_GROUPS, channels), channels)


class AsPicture(nn.Module):
    """(n, s * s) to (n, 1, s, s); pictures stay as they are."""

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 4:
            return x
        side = math.isqrt(x.shape[1])
        return x.reshape(len(x), 1, side, side)


class ResidualBlock(nn.Module):
    """``relu(shortcut(x) + body(x))``, body: two 3 x 3 convolutions; arXiv 1512.03385, its shortcut without weights.

    (n, inputs, h, w) to (n, outputs, h / stride, w / stride); ``inner``: channels between the two.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, inner: int | None = None) -> None:
        super().__init__()
        self.inputs, self.outputs, self.stride, self.inner = inputs, outputs, stride, inner or outputs
        self.body = nn.Sequential(
            nn.Conv2d(inputs, self.inner, 3, stride, 1, bias=False),
            norm(self.inner),
            nn.ReLU(),
            nn.Conv2d(self.inner, outputs, 3, 1, 1, bias=False),
            norm(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return F.relu(reshaped(x, y.shape[1:]) + y)


class EncoderLayer(nn.Module):
    """Pre-norm attention and two-layer MLP (arXiv 2002.04745); (n, tokens, width) to the same.

    ``heads`` heads of ``head`` values each and ``inner`` hidden neurons: fewer of them are a shrunk layer.
    """

    def __init__(self, width: int, heads: int, head: int, inner: int) -> None:
        super().__init__()
        self.width, self.heads, self.head, self.inner = width, heads, head, inner
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask = nn.Linear(width, 3 * heads * head)
        self.join = nn.Linear(heads * head, width)
        self.widen, self.narrow = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        n, tokens, _ = x.shape
        asked = self.ask(self.before(x)).view(n, tokens, 3, self.heads, self.head).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(asked[0], asked[1], asked[2])
        x = x + self.join(seen.transpose(1, 2).reshape(n, tokens, -1))
        y: Tensor = x + self.narrow(F.gelu(self.widen(self.between(x))))
        return y


class Patches(nn.Module):
    """Pictures cut into ``size`` x ``size`` patches, each a token with a learned place: (n, tokens, width)."""

    def __init__(self, form: Form, size: int, width: int) -> None:
        super().__init__()
        self.cut = nn.Conv2d(form[0], width, size, size)
        tokens = (form[1] // size) * (form[2] // size)
        self.place = nn.Parameter(torch.randn(tokens, width) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.cut(x).flatten(2).transpose(1, 2) + self.place
        return y


class Mean(nn.Module):
    """The mean over tokens, (n, tokens, d), or over places, (n, d, h, w): (n, d)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1) if x.dim() == 3 else x.mean((2, 3))


def bridged(taken: Form, given: Form) -> bool:
    """Whether ``reshaped`` can make the one form the other: of as many numbers; of a picture all, else the first."""
    return len(taken) == len(given) and (len(taken) == 3 or taken[1:] == given[1:])


def reshaped(x: Tensor, shape: Sequence[int]) -> Tensor:
    """``x`` (n, c, ...) as (n, *shape) without weights: places are averaged, channels that are too many left out and
    missing ones zeros (option A of arXiv 1512.03385). Raises InputError where they are not ``bridged``."""
    if not bridged(tuple(x.shape[1:]), tuple(shape)):
        raise InputError(
            f"{tuple(x.shape[1:])} cannot be made {tuple(shape)} without weights: only a picture another picture, and "
            "of other forms the first number"
        )
    if x.dim() == 4 and x.shape[2:] != tuple(shape[1:]):
        halved = x.shape[2] == 2 * shape[1] and x.shape[3] == 2 * shape[2]
        # The same, for the usual case, in half the time.
        x = F.avg_pool2d(x, 2) if halved else F.adaptive_avg_pool2d(x, (shape[1], shape[2]))
    missing = shape[0] - x.shape[1]
    if missing > 0:
        return torch.cat([x, x.new_zeros(len(x), missing, *x.shape[2:])], 1)
    return x[:, : shape[0]]


def _dense(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, outputs), nn.ReLU())


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), norm(outputs), nn.ReLU())


def _stem(form: Form, outputs: int) -> nn.Sequential:
    """The convolution that reads pictures, which are halved at once where they are large."""
    channels, height, _ = picture(form)
    return _conv(channels, outputs, 2 if height > _LARGE else 1)


def picture(form: Form) -> Form:
    """The form of a picture; a vector of a square number of values is a grey one. Raises InputError for others."""
    if len(form) == 3:
        return form
    side = math.isqrt(math.prod(form))
    if len(form) != 1 or side * side != form[0]:
        raise InputError(
            f"an input of form {form} is no picture: it must be (channels, height, width), or a vector of a square "
            "number of values; use task.network=mlp"
        )
    return (1, side, side)


def mlp(form: Form, classes: int, widths: Sequence[int]) -> nn.Sequential:
    """Linear layers with ReLU between them."""
    sizes = (math.prod(form), *widths)
    blocks = [_dense(a, b) for a, b in pairwise(sizes)]
    return nn.Sequential(nn.Flatten(), *blocks, nn.Linear(sizes[-1], classes))


def vgg(form: Form, classes: int, widths: Sequence[int]) -> nn.Sequential:
    """3 x 3 convolutions, norm, ReLU; halved in size between blocks of other width (after arXiv 1409.1556)."""
    parts: list[nn.Module] = [AsPicture(), _stem(form, widths[0])]
    for before, width in pairwise(widths):
        parts += [nn.MaxPool2d(2)] if before != width else []
        parts.append(_conv(before, width))
    return nn.Sequential(*parts, Mean(), nn.Linear(widths[-1], classes))


def resnet(form: Form, classes: int, widths: Sequence[int]) -> nn.Sequential:
    """A convolution and residual blocks, halved in size where the width changes (after arXiv 1512.03385)."""
    blocks = [ResidualBlock(a, b, 1 if a == b else 2) for a, b in pairwise(widths)]
    return nn.Sequential(AsPicture(), _stem(form, widths[0]), *blocks, Mean(), nn.Linear(widths[-1], classes))


def transformer(form: Form, classes: int, widths: Sequence[int]) -> nn.Sequential:
    """Patches of a quarter of the side and as many encoder layers as there are widths, which are those of the inner
    MLPs; the tokens have a half of the first (after arXiv 2010.11929)."""
    channels, height, width = picture(form)
    size, d = max(1, height // 4), max(8, widths[0] // 2)
    layers = [EncoderLayer(d, 4, d // 4, inner) for inner in widths]
    cut = Patches((channels, height, width), size, d)
    return nn.Sequential(AsPicture(), cut, *layers, Mean(), nn.LayerNorm(d), nn.Linear(d, classes))


NETWORKS: dict[str, Callable[[Form, int, Sequence[int]], nn.Sequential]] = {
    "mlp": mlp,
    "vgg": vgg,
    "resnet": resnet,
    "transformer": transformer,
}
"""By the name that scenarios use: (form of an input, classes, widths) to a network."""
