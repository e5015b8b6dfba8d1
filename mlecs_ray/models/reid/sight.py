"""Pictures as models see them: MobileNetV2's input, and the tokens that a frozen one makes of a picture."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.models.mobilenet import MEAN, STD

GRID = 2
"""A picture becomes so many tokens each way."""
_CHUNK = 64


def resized(pictures: Tensor, side: int | tuple[int, int]) -> Tensor:
    """(n, c, side, side), or of (height, width), of (n, c, h, w)."""
    size = side if isinstance(side, tuple) else (side, side)
    return F.interpolate(pictures, size, mode="bilinear", align_corners=False, antialias=True)


def seen(pictures: Tensor, side: int) -> Tensor:
    """(n, 3, side, side) normalised, laid out by pixels, of (n, 1 or 3, h, w) in 0..255."""
    square = resized(pictures.float().div(255), side)
    normal = (square.expand(-1, 3, -1, -1) - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    return normal.contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def glimpses(maps: Tensor, upper: Callable[[Tensor], Tensor]) -> Tensor:
    """(n, GRID^2, 1280), float16: what ``upper`` makes of a frozen part's maps (n, 96, h, w), averaged over a grid."""
    parts = [F.adaptive_avg_pool2d(upper(part.float()), GRID) for part in torch.split(maps, _CHUNK)]
    return torch.cat(parts).flatten(2).transpose(1, 2).contiguous().half()
