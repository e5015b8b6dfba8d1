"""What the guard goes by: a part of every scenario, so it is read without waiting for torch."""

from dataclasses import dataclass

from mlecs_ray.errors import InputError

FIRST = 8
"""Accepted norms before there is a usual one."""


@dataclass(frozen=True)
class GuardRules:
    """Which updates are refused before they are merged."""

    norm_ratio: float | None = 100.0
    """An update whose norm exceeds this multiple of the recent median is a bomb; None: no such rule."""
    max_norm: float | None = None
    """And so is one whose norm exceeds this; None: no such rule."""
    memory: int = 64
    """How many accepted norms the median looks back on; it rules from the eighth on."""

    def __post_init__(self) -> None:
        if self.memory < FIRST:
            raise InputError(f"guard.memory={self.memory} must be at least {FIRST}, or no norm is ever judged")
        for name in ("norm_ratio", "max_norm"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"guard.{name}={value} must be above 0, or every update is refused")
