"""Co-PLMs: a proxy model as the bridge between a cloud's LLM and the devices' language models (arXiv 2511.11678).

[paper] Devices and cloud have unlike models; what travels is a distilled proxy model (DPM) alone. Structure-agnostic
mutual learning: on a device the DPM and its own SLM learn from each other, in the cloud the DPM and the LLM;
domain-specific tuning keeps what a device's own samples teach in its SLM. [ours in form] No public text that we could
read gives the losses. Here mutual learning is that of Zhang et al. (arXiv 1706.00384) on the words of the public
samples; the SLM is then tuned on the private ones. A device's DPM is a second set of adapters on its language model,
behind the connector that it has: all edge models are cut from one and healed, which stands for the distillation.
"""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.methods.checks import check
from mlecs_ray.methods.exchange import Parts, Scores
from mlecs_ray.methods.mixing import Mixing, Weighting


@dataclass(frozen=True)
class CoPLMs:
    """Proxies are averaged as FedAvg averages adapters; ``mutual`` is the weight of what two models learn by each
    other."""

    mutual: float = 1.0
    weighting: Weighting = "samples"
    rate: float = 1.0
    power: float = 0.5

    def parts(self) -> Parts:
        """What the frame is filled with."""
        return Parts(mutual=MutualLearning(self.mutual), mixing=Mixing(self.weighting, "mean", self.rate, self.power))


@dataclass(frozen=True)
class MutualLearning:
    """``CE(p) + CE(q) + weight (KL(q || p) + KL(p || q))`` of two models' words p and q, in nats per token; in each KL
    the first is a teacher and has no gradient."""

    weight: float = 1.0

    def __post_init__(self) -> None:
        check(self.weight >= 0, f"mutual={self.weight} must be 0 or above, or two models drive each other away")

    def __call__(self, one: Scores, other: Scores) -> Tensor:
        """Both have scored the same words."""
        told = F.cross_entropy(*one) + F.cross_entropy(*other)
        p, q = one[0].log_softmax(-1), other[0].log_softmax(-1)
        return told + self.weight * (_taught(p, q) + _taught(q, p))


def _taught(pupil: Tensor, teacher: Tensor) -> Tensor:
    """``KL(teacher || pupil)`` of log-probabilities (w, vocabulary), the mean over words."""
    return F.kl_div(pupil, teacher.detach(), reduction="batchmean", log_target=True)
