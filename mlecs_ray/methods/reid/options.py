"""The hyper-parameters of MLLMEmbed-ReID in a fleet (arXiv 2602.12936)."""

from dataclasses import dataclass

from mlecs_ray.methods.checks import check


@dataclass(frozen=True)
class MLLMEmbedReID:
    """Cameras learn to find people again with a student that a multimodal language model in the cloud has taught.

    ``L = triplet + SDM + anchor PCM(S, S_0; V_k)`` at a camera, S_0 by the student as it was sent, V_k the teacher's
    first principal directions of all that it makes of the public samples; merged as FedAvg merges. In the cloud, after
    each merge, ``again`` steps of the second stage. Teacher, student and distillation are the scenario's: ``reid``.
    """

    anchor: float = 1.0
    """Of what the cloud taught, in the teacher's principal directions; 0: a camera may forget it [ours]."""
    again: int = 20
    """Steps of the second stage that the cloud takes after each merge; 0: none [ours]."""
    again_lr: float = 1e-4
    """Their rate at its peak [ours]."""

    def __post_init__(self) -> None:
        check(self.anchor >= 0, f"anchor={self.anchor} must be 0 or more, or cameras are to forget")
        check(self.again >= 0, f"again={self.again} must be 0 or more steps")
        check(0 < self.again_lr <= 1, f"again_lr={self.again_lr} must lie in (0, 1], or the cloud learns nothing")
