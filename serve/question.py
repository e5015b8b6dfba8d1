"""One request for words, and who may answer it."""

from dataclasses import dataclass
from typing import Literal

from mlecs_ray.serving.calibration import Calibration
from mlecs_ray.serving.host import Ask

Where = Literal["edge", "cloud"]
Policy = Literal["cascade", "edge", "cloud"]


@dataclass(frozen=True)
class Route:
    """Which models of one version may answer. None: there is none on that side."""

    version: str
    edge: str | None
    cloud: str | None
    calibration: Calibration | None = None
    """Of the edge's model."""
    edge_device: str = "phone-mid"

    def model(self, side: Where) -> str | None:
        """The model on this side, with its version."""
        name = self.edge if side == "edge" else self.cloud
        return None if name is None else f"{name}@{self.version}"


@dataclass(frozen=True)
class Question:
    """One request for words."""

    ask: Ask
    route: Route
    policy: Policy
    bound: bool
    """Whether this side alone may answer: its model was asked for by name."""
    max_latency_seconds: float | None = None
    max_joules: float | None = None
    whole: bool = False
    """Whether nobody is told anything before the end, so that another side may still answer when one breaks off."""
    judges: bool = True
    """Whether what comes of it speaks for or against its version."""
