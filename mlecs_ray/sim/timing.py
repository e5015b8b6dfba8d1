"""How long a job takes, what it draws, and how it ends."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from mlecs_ray.errors import InputError


@dataclass(frozen=True)
class Timing:
    """One job on one device, or the part of it that was done, in seconds and joules.

    Raises InputError for a part that is negative, infinite or NaN. (That a whole job takes no time is refused by
    the world, which knows whose it is.)
    """

    download: float
    compute: float
    upload: float
    joules_compute: float = 0.0
    joules_radio: float = 0.0

    def __post_init__(self) -> None:
        # NaN and infinity spoil the sums, so that one comparison finds them.
        if (
            self.download + self.compute + self.upload + self.joules < math.inf
            and min(self.download, self.compute, self.upload, self.joules_compute, self.joules_radio) >= 0
        ):
            return
        for name, value in vars(self).items():
            if not 0 <= value < math.inf:
                unit = "J" if name.startswith("joules") else "s"
                raise InputError(f"{name}={value} {unit} must be finite and >= 0, or the virtual clock is meaningless")

    @property
    def total(self) -> float:
        """Seconds from the first byte down to the last byte up."""
        return self.download + self.compute + self.upload

    @property
    def joules(self) -> float:
        """All that the job draws if it runs to its end."""
        return self.joules_compute + self.joules_radio

    def joules_until(self, seconds: float) -> float:
        """What is drawn in the first ``seconds``; the draw is taken as even over the job."""
        return self.joules * min(1.0, seconds / self.total)


class Fate(NamedTuple):
    """How a job ends: ``seconds`` after its start it is finished, or lost for this reason."""

    seconds: float
    lost: str | None = None
