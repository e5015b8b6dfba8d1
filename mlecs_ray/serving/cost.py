"""What an answer is estimated to cost on the device that its model is made for: seconds, joules, and bytes sent on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

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


def computed(budget: Budget, flops: float) -> Estimate:
    """On a device of this budget, at its effective rate; the rate is that of training, so inference is no slower."""
    return Estimate(flops * budget.joules_per_flop, flops / budget.flops)


def sent(budget: Budget, up: int, down: int) -> Estimate:
    """From the device up to the cloud and back, once there and once back in latency."""
    seconds = 8 * up / budget.uplink_bps + 8 * down / budget.downlink_bps + 2 * budget.latency_seconds
    return Estimate((up + down) * budget.joules_per_byte, seconds, up + down)
