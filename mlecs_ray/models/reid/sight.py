"""Pictures as models see them: MobileNetV2's input, and the tokens that a frozen one makes of a picture."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.models.mobilenet import MEAN, STD, MobileNetV2

GRID = 2
"""A picture becomes so many tokens each way."""
SIDE = 224
"""To this the teacher's eye brings a picture, as ImageNet's were."""
_CHUNK = 32


def seen(pictures: Tensor, side: int) -> Tensor:
    """(n, 3, side, side) normalised of (n, 1 or 3, h, w) in 0..255."""
    rgb = pictures.float().div(255)
    square = F.interpolate(rgb, (side, side), mode="bilinear", align_corners=False, antialias=True)
    normal = (square.expand(-1, 3, -1, -1) - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    return normal.contiguous()


@torch.no_grad()
def glimpses(eye: MobileNetV2, pictures: Tensor) -> Tensor:
    """(n, GRID^2, 1280): the last map of a frozen MobileNetV2, averaged over a grid."""
    parts = [eye.features(seen(part, SIDE)) for part in torch.split(pictures, _CHUNK)]
    maps = torch.cat([F.adaptive_avg_pool2d(part, GRID) for part in parts])
    return maps.flatten(2).transpose(1, 2).contiguous()
