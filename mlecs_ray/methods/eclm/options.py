"""The hyper-parameters of ECLM (arXiv 2311.11083), and its ablations."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from mlecs_ray.methods.checks import check, check_power
from mlecs_ray.models.decompose import Grain
from mlecs_ray.sim.devices import find_device

Part = Literal["local", "cloud", "enhancing", "derivation"]

Personal = Literal["none", "offset", "whole"]


@dataclass(frozen=True)
class ECLM:
    """A cloud model decomposed into modules; each device gets the sub-model that fits its data and its budgets.

    ``without`` leaves parts out: ``local`` (devices do not train what they are sent), ``cloud`` (what they learn stays
    there), ``enhancing`` (the second stage of the offline training), ``derivation`` (modules by chance, within the
    budgets).
    """

    modules: int = 16
    """In each layer, the residual one among them."""
    ratio: float = 0.125
    """A module's inner width, as a share of its block's."""
    blocks: int | None = None
    """Decompose only the last so many blocks; null: all."""
    top: int = 2
    """Modules that a sample passes in each layer."""
    varied: bool = True
    """In the cloud's training all of them at first, then fewer and fewer, and any number up to so many: or small
    sub-models fail [ours]. ``false``: ``top`` from the start."""
    enough: float = 0.9
    """Modules beyond so much of a layer's importance are not sent, though they may fit [ours]."""
    share: float = 0.5
    """The largest sub-model: this share of the whole network's memory, compute and bytes, on ``reference``."""
    reference: str = "phone-high"
    """A device with less of something than this one gets proportionally less of it."""
    least: float = 0.0
    """No device has less than this share of the whole network's to spare, before other processes take their part."""
    personal: Personal = "offset"
    """What a device carries from job to job while its environment stays. ``none``: nothing, each begins with what the
    cloud sends; ``offset``: what it has learned itself, on top of what the cloud sends by now [ours]; ``whole``: all of
    its sub-model, and it is sent none before it shifts [ours]."""
    balance: float = 0.1
    """lambda of the load balance in the first stage of the offline training."""
    match: float = 1.0
    """lambda of ``KL`` in the second."""
    distil: float = 1.0
    """mu of what the whole network teaches its modules in both; 0: nothing [ours]."""
    enhance_epochs: int = 15
    """Of the second stage."""
    spread: float = 2.0
    """kappa 1: the most load of a module, as a multiple of an even share."""
    few: int = 2
    """kappa 2: modules of a layer that a sub-task may have."""
    rate: float = 1.0
    """How far a module goes from the server's to the mean of what arrives; 1: all the way, as in the paper."""
    power: float = 0.5
    """Of the discount for lateness, ``(1 + tau)^-power``."""
    without: tuple[Part, ...] = ()
    """Parts to leave out: devices' training, what they send back, the second offline stage, derivation."""

    def __post_init__(self) -> None:
        for part in self.without:
            check(part in get_args(Part), f"without={part!r} must be one of {get_args(Part)}, or nothing is left out")
        check(
            self.personal in get_args(Personal),
            f"personal={self.personal!r} must be one of {get_args(Personal)}, or devices carry nothing that is known",
        )
        _ = self.grain
        check(1 <= self.top <= self.modules, f"top={self.top} must lie in 1..modules={self.modules}, or none is passed")
        check(self.few >= 1, f"few={self.few} must be 1 or more, or a sub-task has no module")
        check(self.enhance_epochs >= 1, f"enhance_epochs={self.enhance_epochs} must be 1 or more, or leave it out")
        check(0 < self.rate <= 1, f"rate={self.rate} must lie in (0, 1], or a merge overshoots or does nothing")
        check(0 < self.enough <= 1, f"enough={self.enough} must lie in (0, 1], or nothing is important")
        for name in ("share", "spread"):
            check(0 < getattr(self, name) < math.inf, f"{name}={getattr(self, name)} must be above 0 and finite")
        for name in ("least", "balance", "match", "distil"):
            check(0 <= getattr(self, name) < math.inf, f"{name}={getattr(self, name)} must be 0 or more and finite")
        check_power(self.power)
        find_device(self.reference)

    @property
    def grain(self) -> Grain:
        """How the network is decomposed."""
        return Grain(self.modules, self.ratio, self.blocks)
