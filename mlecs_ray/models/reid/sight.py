"""Pictures as models see them: MobileNetV2's input, and the tokens that a frozen one makes of a picture."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlecs_ray.models.mobilenet import MEAN, STD

GRID = 2
"""A picture becomes so many tokens each way."""
SIDE = 160
"""To this the teacher's eye brings a picture."""
_CHUNK = 32


def seen(pictures: Tensor, side: int) -> Tensor:
    """(n, 3, side, side) normalised, laid out by pixels, of (n, 1 or 3, h, w) in 0..255."""
    rgb = pictures.float().div(255)
    square = F.interpolate(rgb, (side, side), mode="bilinear", align_corners=False, antialias=True)
    normal = (square.expand(-1, 3, -1, -1) - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    return normal.contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def glimpses(eye: nn.Module, pictures: Tensor) -> Tensor:
    """(n, GRID^2, 1280), float16: the last map of MobileNetV2's ``features``, ``folded``, averaged over a grid."""
    maps = [F.adaptive_avg_pool2d(eye(seen(part, SIDE)), GRID) for part in torch.split(pictures, _CHUNK)]
    return torch.cat(maps).flatten(2).transpose(1, 2).contiguous().half()
