"""What is no answer in words, a class or vectors: from the side that is meant, or from the other where it stands in."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from serve.answering import Declined
from serve.costs import Load, estimate
from serve.desk import Desk
from serve.models import Refusal
from serve.protocol import Told
from serve.question import Where
from serve.registry import Chosen
from serve.sides import Side

T = TypeVar("T")
Call = Callable[[Side, str], Awaitable[T | Refusal]]
"""Asks a side for something, by one of its models."""


@dataclass(frozen=True)
class Given(Generic[T]):
    """What was given, and by whom."""

    found: T
    chosen: Chosen
    side: Where
    model: str
    """``name@version``."""
    why: str
    seconds: float
    degraded: str | None = None

    def told(self, load: Load, confidence: float | None = None) -> Told:
        """What the asker is told of it."""
        version = self.chosen.version
        card = version.cards[self.model.partition("@")[0]]
        cost = estimate(version.bundle, card, self.side, self.chosen.route.edge_device, load)
        mine, there = set(card.modalities), load.modalities
        return Told(
            answered_by=self.side,
            model=self.model,
            version=version.name,
            policy=self.chosen.policy,
            why=self.why,
            confidence=confidence,
            latency_seconds=self.seconds,
            device=card.device,
            estimated_seconds=cost.seconds,
            estimated_joules=cost.joules,
            bytes=cost.bytes,
            modalities=sorted(mine & there),
            # Words have no modalities to miss.
            masked=sorted(mine - there) if load.rows else [],
            degraded=self.degraded,
        )


def meant(chosen: Chosen) -> tuple[Where, str]:
    """The side that the policy names first, and its model."""
    side: Where = "cloud" if chosen.policy == "cloud" else "edge"
    model = chosen.route.model(side)
    # Policies are only of sides that are there.
    assert model is not None
    return side, model


async def either(desk: Desk, chosen: Chosen, call: Call[T], stand_in: bool) -> Given[T]:
    """Asks the side that is meant; where that cannot, the other one, if ``stand_in`` and there is one.

    Nobody stands in for a model that was asked for by name, nor for an asker's mistake. Raises Declined.
    """
    start = time.monotonic()
    side, model = meant(chosen)
    other: Where = "edge" if side == "cloud" else "cloud"
    instead = chosen.route.model(other) if stand_in and not chosen.bound else None
    most = desk.answer_seconds if instead is None else min(desk.answering.begin_seconds, desk.answer_seconds)
    found = await _asked(desk, side, model, call, most)
    if not isinstance(found, Refusal):
        return Given(found, chosen, side, model, _why(chosen), time.monotonic() - start)
    if found.kind == "input" or instead is None:
        raise Declined(found)
    second = await _asked(desk, other, instead, call, desk.answer_seconds - (time.monotonic() - start))
    if isinstance(second, Refusal):
        # What the other one cannot read was no mistake for the one that was meant.
        raise Declined(found if second.kind == "input" else second)
    degraded = f"the {side} could not answer: {found.message}"
    return Given(second, chosen, other, instead, f"the {side} is down", time.monotonic() - start, degraded)


def _why(chosen: Chosen) -> str:
    if chosen.policy == "cascade":
        return "only answers in words have a threshold, so the edge is asked"
    return f"policy {chosen.policy}"


async def _asked(desk: Desk, side: Where, model: str, call: Call[T], seconds: float) -> T | Refusal:
    try:
        async with asyncio.timeout(seconds):
            return await call(desk.edge if side == "edge" else desk.cloud, model)
    except TimeoutError:
        return Refusal("late", f"no answer was done in {seconds:.3g} s, so it was given up")
