"""What time it is: seconds to measure by, and the moment of the day."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Seconds that never go backwards, from anywhere."""


def utc_now() -> datetime:
    """The moment, with its zone."""
    return datetime.now(UTC)
