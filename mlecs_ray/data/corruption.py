"""What an environment does to a sensor: noise, a turned camera, dirt on its lens, features that are off.

Each function takes a batch (n, ...), a severity in (0, 1] and the draws, and gives a new batch of the same shape. A row
depends on itself and its draws alone, to the bit, so that it is the same in any batch. Rows of zeros, which stand for
what is absent, stay zeros.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.errors import InputError
from mlecs_ray.seeds import generator, uniform
from mlecs_ray.streams import uniforms

_LEAST, _MOST = 30.0, 60.0
"""Degrees between which ``rotate`` turns at severity 1."""


@dataclass(frozen=True)
class Draws:
    """What chance decides by: ``environment`` is one seed for all rows, ``rows`` are n seeds, one for each."""

    environment: int
    rows: Sequence[int]


Corruption = Callable[[Tensor, float, Draws], Tensor]


def noise(x: Tensor, severity: float, draws: Draws) -> Tensor:
    """``x + severity sd(row) z``, z standard normal for each value."""
    flat = x.flatten(1)
    drawn = [generator(seed, "noise").standard_normal(flat.shape[1], dtype=np.float32) for seed in draws.rows]
    spread = flat.std(1, keepdim=True, correction=0)
    return (flat + severity * spread * torch.from_numpy(np.stack(drawn))).view_as(x)


def blur(x: Tensor, severity: float, _draws: Draws) -> Tensor:
    """A Gaussian filter of deviation ``severity / 8`` of the picture's height, edges repeated."""
    seen = _pictures(x, "blur")
    deviation = severity * seen.shape[2] / 8
    reach = math.ceil(2 * deviation)
    weights = [math.exp(-0.5 * (step / deviation) ** 2) for step in range(-reach, reach + 1)]
    for axis in (2, 3):
        size = seen.shape[axis]
        wide = F.pad(seen, (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0), mode="replicate")
        # Summed up by hand: a convolution may round otherwise in a batch of another size.
        total = torch.zeros_like(seen)
        for step, weight in enumerate(weights):
            total += (weight / sum(weights)) * wide.narrow(axis, step, size)
        seen = total
    return seen.reshape_as(x)


def rotate(x: Tensor, severity: float, draws: Draws) -> Tensor:
    """Every picture turned about its centre by the environment's angle: ``severity`` times 30 to 60 degrees, to one
    side or the other; what comes into sight is as the edge was."""
    seen = _pictures(x, "rotate")
    degrees = _LEAST + (_MOST - _LEAST) * uniform(draws.environment, "angle")
    angle = math.radians(severity * degrees) * (1 if uniform(draws.environment, "side") < 0.5 else -1)
    turn = torch.tensor([[math.cos(angle), -math.sin(angle), 0.0], [math.sin(angle), math.cos(angle), 0.0]])
    grid = F.affine_grid(turn[None], [1, *seen.shape[1:]], align_corners=False).expand(len(seen), -1, -1, -1)
    return F.grid_sample(seen, grid, padding_mode="border", align_corners=False).reshape_as(x)


def contrast(x: Tensor, severity: float, _draws: Draws) -> Tensor:
    """``m + (1 - 0.8 severity) (x - m)``, m the mean of the picture."""
    seen = _pictures(x, "contrast")
    mean = seen.mean((1, 2, 3), keepdim=True)
    return (mean + (1 - 0.8 * severity) * (seen - mean)).reshape_as(x)


def occlude(x: Tensor, severity: float, draws: Draws) -> Tensor:
    """A block of ``0.7 severity`` of height and width, where the environment has it, takes the picture's lowest value:
    half of the picture at severity 1."""
    seen = _pictures(x, "occlude").clone()
    spans = []
    for axis, size in (("height", seen.shape[2]), ("width", seen.shape[3])):
        length = max(1, round(0.7 * severity * size))
        start = int(uniform(draws.environment, axis) * (size - length + 1))
        spans.append(slice(start, start + length))
    seen[:, :, spans[0], spans[1]] = seen.amin((1, 2, 3), keepdim=True)
    return seen.reshape_as(x)


def invert(x: Tensor, severity: float, draws: Draws) -> Tensor:
    """Pictures: values in the upper ``severity`` of the picture's range are mirrored in it, all of them at 1. Else the
    sign of ``severity`` of the features is turned, which ones is the environment's."""
    if _side(x) is None:
        return (x.flatten(1) * torch.where(_some(x, severity, draws, "invert"), -1.0, 1.0)).view_as(x)
    flat = x.flatten(1)
    low, high = flat.aminmax(dim=1, keepdim=True)
    return torch.where(flat >= high - severity * (high - low), low + high - flat, flat).view_as(x)


def gain(x: Tensor, severity: float, draws: Draws) -> Tensor:
    """Each feature times its gain in the environment, ``4^(severity u)``, u even in [-1, 1)."""
    drawn = 2 * torch.from_numpy(_uniforms(x, draws, "gain")) - 1
    return (x.flatten(1) * (4 ** (severity * drawn)).float()).view_as(x)


def dropout(x: Tensor, severity: float, draws: Draws) -> Tensor:
    """``severity / 2`` of the features are 0, which ones is the environment's."""
    return x.flatten(1).masked_fill(_some(x, severity / 2, draws, "dropout"), 0.0).view_as(x)


CORRUPTIONS: Mapping[str, Corruption] = {
    "noise": noise,
    "blur": blur,
    "rotate": rotate,
    "invert": invert,
    "contrast": contrast,
    "occlude": occlude,
    "gain": gain,
    "dropout": dropout,
}
"""By name, all that an environment may do. ``blur``, ``rotate``, ``contrast`` and ``occlude`` are for pictures."""


def _side(x: Tensor) -> int | None:
    """The height of a batch of pictures: (n, c, h, w), or (n, s * s) grey ones; None where it is none."""
    if x.dim() == 4:
        return x.shape[2]
    side = math.isqrt(x.shape[1]) if x.dim() == 2 else 0
    return side if side > 1 and side * side == x.shape[1] else None


def _pictures(x: Tensor, name: str) -> Tensor:
    """As (n, c, h, w); raises InputError for what is no batch of pictures."""
    side = _side(x)
    if side is None:
        raise InputError(
            f"{name} needs pictures, (n, c, h, w) or (n, s * s), but samples have the shape {tuple(x.shape[1:])}, "
            "so there is nothing to look at: choose noise, invert, gain or dropout"
        )
    return x if x.dim() == 4 else x.view(-1, 1, side, side)


def _uniforms(x: Tensor, draws: Draws, name: str) -> NDArray[np.float64]:
    """One number in [0, 1) for each feature, the environment's."""
    return uniforms(draws.environment, name, np.arange(x[0].numel(), dtype=np.uint64))


def _some(x: Tensor, share: float, draws: Draws, name: str) -> Tensor:
    """(features,) bool: True for this share (rounded) of the features."""
    drawn = _uniforms(x, draws, name)
    return torch.from_numpy(drawn.argsort(kind="stable").argsort(kind="stable") < round(share * len(drawn)))
