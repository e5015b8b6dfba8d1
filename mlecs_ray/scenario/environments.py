"""What surrounds each client and how often it shifts, as keys of a scenario."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.base import STRICT
from mlecs_ray.scenario.ranges import Count, Positive, Share

# Told here once more, because the functions of these names need torch, for which no refusal waits.
Corruption = Literal["none", "noise", "blur", "rotate", "invert", "contrast", "occlude", "gain", "dropout"]


class EnvironmentsConfig(BaseModel):
    """Of ``data.partition=environments``: what clients own, and when it is replaced."""

    model_config = STRICT

    classes: Count | None = None
    """How many classes occur in an environment; None: all."""
    contexts: Annotated[int, Field(ge=0)] = 0
    """So many different sets of classes are there in the whole fleet; 0: each client and step has its own."""
    domains: tuple[str, ...] | Literal["all"] | None = None
    """Each environment is of one of these; None: of all together."""
    ordered: bool = False
    """Everyone goes from each of ``domains`` to the next, and stays in the last."""
    stay: Count = 1
    """With ``ordered``, for so many steps in each."""
    corruptions: tuple[Corruption, ...] = ()
    """Each environment has one of these; ``none`` is one."""
    severity: Annotated[float, Field(gt=0, le=1)] = 0.5
    """How strong the corruptions are, up to 1."""
    share: Share = 0.5
    """What share of a client's samples a shift replaces."""
    least: Count = 50
    """Samples of a client, drawn from ``least..most``."""
    most: Count = 150
    """See ``least``."""
    test_rows: Count = 100
    """On which ``evaluation.local`` measures a client."""
    shifts: Annotated[int, Field(ge=0)] = 0
    """How often the environment of each client shifts."""
    period: Positive = 600.0
    """Virtual seconds from one shift to the next."""
    spread: Share = 0.0
    """Up to which share of a period a client shifts before others."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.least > self.most:
            raise InputError(
                f"data.environments.least={self.least} must be at most most={self.most}, or no client has a size"
            )
        if self.contexts and self.classes is None:
            raise InputError(
                f"data.environments.contexts={self.contexts} needs classes, how many each has, or all have all"
            )
        listed = self.domains if isinstance(self.domains, tuple) else ()
        if self.ordered and not listed:
            raise InputError(f"data.environments.ordered=true needs a list of domains, domains={self.domains} has none")
        if self.stay > 1 and not self.ordered:
            raise InputError(
                f"data.environments.stay={self.stay} needs ordered=true and a list of domains, or nobody stays in any"
            )
        if self.domains == () or len(set(listed)) < len(listed):
            raise InputError(
                f"data.environments.domains={list(listed)} must be one or more different names, or no environment is "
                "of any; null takes all together"
            )
        return self
