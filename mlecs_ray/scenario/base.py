"""What every group of a scenario's keys has in common."""

from pydantic import ConfigDict

STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
"""Frozen, no key is unknown, no number is NaN or infinite."""
