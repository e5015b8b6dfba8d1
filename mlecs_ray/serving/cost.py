"""What an answer is estimated to cost on the device that its model is made for: seconds, joules, and bytes sent on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import safe_open

from mlecs_ray.method import Budget

if TYPE_CHECKING:
    from mlecs_ray.models.lora import Backbone


@dataclass(frozen=True)
class Estimate:
    """Adds up over those who took part in an answer."""

    joules: float = 0.0
    seconds: float = 0.0
    bytes: int = 0
    """Between edge and cloud, both ways."""

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(self.joules + other.joules, self.seconds + other.seconds, self.bytes + other.bytes)


def token_flops(lm: "Backbone") -> float:
    """Of one token through a decoder: two a weight, the head among them and the table of words not."""
    model = lm.peft.get_base_model()
    table = model.get_input_embeddings().weight
    weights = sum(int(p.numel()) for p in lm.peft.parameters())
    return 2.0 * (weights if model.config.tie_word_embeddings else weights - int(table.numel()))


def row_flops(model: Path, frames: Mapping[str, int]) -> float:
    """Of one row through the layers that sense, of a model in an artifact: two a weight.

    ``frames`` has the modalities that are there, each with how often its first layers run; those of others, and what
    only leads to words, do not.
    """
    layers = _layers(model)
    last = {path[1]: path for path in sorted(layers, key=lambda path: (len(path[-2]), path[-2])) if _encodes(path)}
    weights = 0
    for path, size in layers.items():
        owner = path[2] if path[1] == "slots" else path[1] if path[0] in ("encoders", "projections") else None
        if owner is None or owner in frames:
            # Frames are averaged before an encoder's last layer.
            weights += size * (frames[str(owner)] if _encodes(path) and path != last[path[1]] else 1)
    return 2.0 * weights


def _encodes(path: tuple[str, ...]) -> bool:
    return path[0] == "encoders"


@lru_cache(maxsize=1024)
def _layers(model: Path) -> Mapping[tuple[str, ...], int]:
    """Weights of each matrix of a classifier, or of what a captioner senses with, by its path."""
    whole, connector = model / "model.safetensors", model / "connector.safetensors"
    with safe_open(whole if whole.is_file() else connector, "np") as file:
        shapes = {tuple(name.split("/")): file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    return {path: prod(shape) for path, shape in shapes.items() if path[-1] == "weight" and path[0] != "prompt"}


def computed(budget: Budget, flops: float) -> Estimate:
    """On a device of this budget, at its effective rate; the rate is that of training, so inference is no slower."""
    return Estimate(flops * budget.joules_per_flop, flops / budget.flops)


def sent(budget: Budget, up: int, down: int) -> Estimate:
    """From the device up to the cloud and back, once there and once back in latency."""
    seconds = 8 * up / budget.uplink_bps + 8 * down / budget.downlink_bps + 2 * budget.latency_seconds
    return Estimate((up + down) * budget.joules_per_byte, seconds, up + down)
