"""The full ML-ECS, joined from its parts (arXiv 2602.14107), and each ablation of it."""

from dataclasses import dataclass
from typing import Literal, get_args

from mlecs_ray.methods.checks import check
from mlecs_ray.methods.exchange import Parts
from mlecs_ray.methods.lowrank import Rule
from mlecs_ray.methods.mixing import Mixing, Weighting
from mlecs_ray.methods.mlecs.ccl import CCL

Part = Literal["ccl", "amt", "mma", "seccl"]


@dataclass(frozen=True)
class MLECS:
    """CCL and AMT at the edge, MMA between, SE-CCL in the cloud; only LoRA and fused representations travel.

    ``without`` leaves parts out: ``ccl`` (no contrast at the edge), ``amt`` (private samples tune adapters alone and
    without contrast, and what is sent replaces them), ``mma`` (all clients weigh the same, however many modalities they
    have), ``seccl`` (the cloud learns from its public samples alone).
    """

    ccl: float = 1.0
    """lambda of ``L_LM + lambda L_CCL``."""
    seccl: float = 1.0
    """lambda of ``L_LM + lambda L_SE-CCL``."""
    own: float = 1.0
    """lambda of the contrast of a client's private samples with what their captions say, which stays there; 0: none."""
    orientation: float = 1.0
    """How much the sign of a sense counts in both; 0: the volume alone."""
    nearness: float = 10.0
    """mu of ``L_near`` in all of them; 0: contrast alone."""
    words: bool = True
    """The cloud's anchors hold what the public captions say; without, private samples have no contrast either."""
    weighting: Weighting = "count"
    rule: Rule = "mean"
    rate: float = 1.0
    power: float = 0.5
    memory: float = 0.8
    pull: float = 0.3
    """How far a device goes from its own adapters to those it is sent; all the way with ``flexlora`` and ``flora``."""
    without: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        for part in self.without:
            check(part in get_args(Part), f"without={part!r} must be one of {get_args(Part)}, or nothing is left out")

    def parts(self) -> Parts:
        """What the frame is filled with."""
        weighting: Weighting = "uniform" if "mma" in self.without else self.weighting
        return Parts(
            reps=True,
            words=self.words,
            edge=None if "ccl" in self.without else self._contrast(self.ccl),
            private=self._contrast(self.own) if self.own and not {"ccl", "amt"} & {*self.without} else None,
            tuning="amt" not in self.without,
            cloud=None if "seccl" in self.without else self._contrast(self.seccl),
            mixing=Mixing(weighting, self.rule, self.rate, self.power),
            memory=self.memory,
            pull=1.0 if "amt" in self.without else self.pull,
        )

    def _contrast(self, weight: float) -> CCL:
        return CCL(weight, self.orientation, self.nearness)
