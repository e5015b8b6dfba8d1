"""What else runs on the devices, as keys of a scenario."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.base import STRICT
from mlecs_ray.scenario.ranges import Factor, Positive, Share


class LoadConfig(BaseModel):
    """What else runs on the devices."""

    model_config = STRICT

    kind: Literal["idle", "bursty", "corunning", "processes"] = "idle"
    """Nothing; bursts, which come by chance; a fixed number of processes; or a changing number of them."""
    share: Share = 0.3
    """The chance of a burst in a ``period``."""
    slowdown: Factor = 3.0
    """How many times longer computing takes in a burst."""
    period: Positive = 300.0
    """Virtual seconds after which bursts, and numbers of processes, are drawn anew."""
    processes: Annotated[int, Field(ge=1, le=4)] = 2
    """How many others run; for ``processes`` at most, drawn anew for each ``period``."""
    fewest: Annotated[int, Field(ge=0, le=4)] = 0
    """For ``processes``, at least so many."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.fewest and self.kind != "processes":
            raise InputError(
                f"clients.load.fewest={self.fewest} needs clients.load.kind=processes, here {self.kind}, or it changes "
                "nothing"
            )
        if self.fewest > self.processes:
            raise InputError(
                f"clients.load.fewest={self.fewest} must lie in 0..clients.load.processes={self.processes}, or no "
                "number of processes does"
            )
        return self
