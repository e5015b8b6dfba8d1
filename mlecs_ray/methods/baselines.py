"""What ML-ECS is compared with, in the same frame: the same models, stages, steps and clock, other parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.methods.checks import check
from mlecs_ray.methods.coplms import CoPLMs
from mlecs_ray.methods.exchange import Parts
from mlecs_ray.methods.lowrank import Rule
from mlecs_ray.methods.mixing import Mixing, Weighting
from mlecs_ray.methods.stages import Meeting
from mlecs_ray.tree import Tree, leaves


@dataclass(frozen=True)
class Standalone:
    """Every client learns alone from its private and the public samples, and so does the cloud: nothing travels."""

    def parts(self) -> Parts:
        """What the frame is filled with."""
        return Parts(lora=False)


@dataclass(frozen=True)
class MultiFedAvg:
    """FedAvg of the adapters of multimodal clients, by samples (arXiv 1602.05629 on LoRA): of what they learned from
    public and private samples. No cloud model learns. With ``pull`` below 1 a client goes only so far of the way to
    what it is sent (APFL, arXiv 2003.13461)."""

    weighting: Weighting = "samples"
    rule: Rule = "mean"
    rate: float = 1.0
    power: float = 0.5
    pull: float = 1.0

    def parts(self) -> Parts:
        """What the frame is filled with."""
        mixing = Mixing(self.weighting, self.rule, self.rate, self.power)
        return Parts(cloud_trains=False, private_travels=True, mixing=mixing, pull=self.pull)


@dataclass(frozen=True)
class FediLoRA:
    """FediLoRA (arXiv 2509.06984): rank by rank over the clients that have it, by samples; before an upload the least
    similar ``A`` is edited towards the one that was sent: ``A = (1 - s) A_sent + s A``, s their cosine, if below 0.95.

    After its public code, whose pointer into B goes wrong after the first client and is not copied.
    """

    rate: float = 1.0
    power: float = 0.5
    similar: float = 0.95

    def parts(self) -> Parts:
        """What the frame is filled with."""
        mixing = Mixing("samples", "mean", self.rate, self.power)
        return Parts(cloud_trains=False, private_travels=True, mixing=mixing, edit=LeastSimilar(self.similar))


@dataclass(frozen=True)
class LeastSimilar:
    """The layer-wise editing of FediLoRA."""

    similar: float

    def __post_init__(self) -> None:
        check(-1 <= self.similar <= 1, f"similar={self.similar} must lie in [-1, 1], or no cosine is near it")

    def __call__(self, sent: Tree, learned: Tree) -> Tree:
        """The adapters that go up; those that were sent and those that were learned share their modules."""
        near = {
            module: float(F.cosine_similarity(one["A"].flatten(), learned[module]["A"].flatten(), dim=0))
            for module, one in sent.items()
        }
        module = min(sorted(near), key=lambda name: near[name])
        if near[module] >= self.similar:
            return learned
        share = near[module]
        edited = (1 - share) * sent[module]["A"] + share * learned[module]["A"]
        return {**learned, module: {**learned[module], "A": edited}}


@dataclass(frozen=True)
class FedMLLM:
    """FedMLLM (arXiv 2411.14717): FedAvg of adapters by samples, a prompt that says not to consider the modality, and a
    proximal pull on the middle layers alone: ``mu / 2 ||theta_l - theta_l sent||^2`` for layers s .. L-1-s, s = L / 7.

    After its public code, where the "adaptive" term depends on depth and on nothing else; ``mu`` is its product of 0.01
    and 0.1. Without ``told`` the prompt says nothing more.
    """

    mu: float = 1e-3
    told: bool = True
    rate: float = 1.0
    power: float = 0.5

    def __post_init__(self) -> None:
        check(self.mu >= 0, f"mu={self.mu} must be 0 or above, or clients are pushed away from what they were sent")

    def parts(self) -> Parts:
        """What the frame is filled with."""
        pull = MiddleLayers(self.mu)
        mixing = Mixing("samples", "mean", self.rate, self.power)
        return Parts(
            cloud_trains=False,
            private_travels=True,
            mixing=mixing,
            edge=pull,
            private=pull,
            said=", without considering the modality" if self.told else "",
        )


@dataclass(frozen=True)
class MiddleLayers:
    """``mu / 2 sum_l ||theta_l - theta_l sent||^2`` over the adapters of the layers in the middle."""

    mu: float

    def init(self) -> Mapping[str, Tensor]:
        """Nothing of its own."""
        return {}

    def __call__(self, meeting: Meeting, params: Tree) -> Tensor:
        """What is added to the loss of a stage."""
        numbers = sorted({_layer(module) for module in params["lora"]})
        skip = max(1, round(len(numbers) / 7)) if len(numbers) > 2 else 0
        middle = set(numbers[skip : len(numbers) - skip])
        pulls = [
            (leaf - sent).square().sum()
            for (path, leaf), (_, sent) in zip(leaves(params["lora"]), leaves(meeting.sent["lora"]), strict=True)
            if _layer(path) in middle
        ]
        return 0.5 * self.mu * torch.stack(pulls).sum()


def _layer(module: str) -> int:
    """The number in ``layers.<number>.<module>``."""
    return int(module.split(".")[1])


@dataclass(frozen=True)
class CreamFL:
    """CreamFL (arXiv 2302.08888): public representations travel and nothing else; clients contrast theirs with the
    global ones and with their own before the job, the cloud distils the mean of theirs.

    After its public code: temperature 0.5, ``0.5 (L_inter + L_intra)``, ``0.3 MSE`` in the cloud. Its weights of
    clients by sample compare those that arrive together; one that arrives alone is mixed in as it is. [ours] Its rounds
    begin anew, here a ``memory`` of earlier ones stays, as not all clients are heard in one merge.
    """

    regularisation: float = 0.5
    distillation: float = 0.3
    memory: float = 0.8

    def parts(self) -> Parts:
        """What the frame is filled with."""
        return Parts(
            lora=False,
            reps=True,
            edge=InterIntra(self.regularisation),
            cloud=Distillation(self.distillation),
            memory=self.memory,
            matched=True,
        )


@dataclass(frozen=True)
class InterIntra:
    """``w (L_inter + L_intra)`` with unit vectors z (client), g (global), z' (client before the job), tau = 0.5:
    ``L_inter = CE_j(z_k g_j / tau)`` with the match at j = k over all public samples,
    ``L_intra = -log(e^(z g / tau) / (e^(z g / tau) + e^(z z' / tau)))``.
    """

    weight: float
    tau: float = 0.5

    def __post_init__(self) -> None:
        check(
            self.weight >= 0, f"regularisation={self.weight} must be 0 or above, or clients flee from the global view"
        )

    def init(self) -> Mapping[str, Tensor]:
        """Nothing of its own."""
        return {}

    def __call__(self, meeting: Meeting, params: Tree) -> Tensor:
        """What is added to the loss of the public stage."""
        if meeting.anchors is None:
            return torch.zeros(())
        there = meeting.samples.sensed
        own = F.normalize(meeting.task.fused(params, meeting.samples, meeting.client), dim=-1)[there]
        with torch.no_grad():
            before = F.normalize(meeting.task.fused(meeting.sent, meeting.samples, meeting.client), dim=-1)[there]
        anchors = F.normalize(meeting.anchors, dim=-1)
        inter = F.cross_entropy(own @ anchors.T / self.tau, there.nonzero().flatten())
        pair = torch.stack([(own * anchors[there]).sum(-1), (own * before).sum(-1)], 1) / self.tau
        intra = F.cross_entropy(pair, torch.zeros(len(pair), dtype=torch.int64))
        return self.weight * (inter + intra)


@dataclass(frozen=True)
class Distillation:
    """``w MSE`` between unit vectors: what the cloud makes of a public sample, and what its clients did."""

    weight: float

    def __post_init__(self) -> None:
        check(self.weight >= 0, f"distillation={self.weight} must be 0 or above, or the cloud flees from its clients")

    def init(self) -> Mapping[str, Tensor]:
        """Nothing of its own."""
        return {}

    def __call__(self, meeting: Meeting, params: Tree) -> Tensor:
        """What is added to the loss of the cloud; nothing before a client was heard."""
        if meeting.anchors is None or not meeting.anchors.any():
            return torch.zeros(())
        known = meeting.anchors.ne(0).any(-1)
        own = F.normalize(meeting.task.fused(params, meeting.samples, meeting.client)[known], dim=-1)
        return self.weight * F.mse_loss(own, F.normalize(meeting.anchors[known], dim=-1))


BASELINES: Mapping[str, type[Any]] = {
    "standalone": Standalone,
    "multifedavg": MultiFedAvg,
    "fedilora": FediLoRA,
    "fedmllm": FedMLLM,
    "creamfl": CreamFL,
    "coplms": CoPLMs,
}
"""By the name that scenarios use."""
