"""What the gateway's routes work with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from fastapi import Request

from serve.answering import Answering
from serve.faults import Absent, Mistaken
from serve.galleries import Store
from serve.metrics import Metrics
from serve.observe import Record, record_of
from serve.protocol import ModelCard, Wish
from serve.registry import Chosen, Registry
from serve.sides import Encoding, Side
from serve.trouble import ours
from serve.version import Version

T = TypeVar("T")


@dataclass
class Desk:
    """One gateway's state."""

    registry: Registry
    edge: Side
    cloud: Side
    encoding: Encoding
    store: Store
    metrics: Metrics
    answer_seconds: float = 120.0
    """After which an answer that is not done is given up."""
    answering: Answering = field(init=False)
    ready: bool = False

    def __post_init__(self) -> None:
        self.answering = Answering(self.edge, self.cloud)

    async def choose(self, request: Request, model: str, wish: Wish) -> tuple[Record, Chosen]:
        """Who is meant by a request, noted in its record."""
        self.settle()
        record = record_of(request.scope)
        chosen = await self._looked_up(model, partial(self.registry.choose, model, wish))
        record.model = model.partition("@")[0]
        return record, chosen

    async def card(self, model: str) -> ModelCard:
        """What ``GET /v1/models/MODEL`` shows."""
        return await self._looked_up(model, partial(self.registry.model, model))

    async def _looked_up(self, model: str, look: Callable[[], T]) -> T:
        """An old version is read again where someone asks for it: all of its files, so in a thread."""
        version = model.partition("@")[2]
        with ours(f"version {version}", Absent, Mistaken):
            return look() if not version or version in self.registry.versions else await asyncio.to_thread(look)

    def tell(
        self, version: str, ok: bool, seconds: float, confidence: float | None = None, judgeable: bool = True
    ) -> None:
        """What came of an answer, to the rollout."""
        if self.registry.rollout.record(version, ok, seconds, confidence, judgeable) is not None:
            self.registry.remember()

    @property
    def down(self) -> bool:
        """Whether no side of the version that answers can be reached."""
        version = self.registry.versions[self.registry.rollout.stable]
        return all(side.away for side, _ in self.usual(version))

    def usual(self, version: Version) -> list[tuple[Side, str]]:
        """The sides of a version, each with the id of its usual model."""
        pairs = ((self.edge, version.edge()), (self.cloud, version.cloud()))
        return [(side, f"{card.name}@{version.name}") for side, card in pairs if card is not None]

    def settle(self) -> None:
        """Judge a trial that has lasted long enough."""
        if self.registry.rollout.settle() is not None:
            self.registry.remember()
