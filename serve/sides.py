"""Edge and cloud as whoever asks them sees them, wherever they run."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from mlecs_ray.samples import Samples
from mlecs_ray.serving.host import Ask, Verdict
from serve.models import Item, Refusal
from serve.senses import Part

Vectors = list[list[float]]


class Side(Protocol):
    """The models of the edge, or of the cloud, by their ids ``name@version``."""

    @property
    def away(self) -> bool:
        """Whether nobody is there who could answer, as was found of late."""

    def stream(self, model: str, ask: Ask) -> AsyncGenerator[Item]:
        """``Began`` and pieces, or a refusal. To close it frees the answer's place."""

    async def classify(self, model: str, samples: Samples) -> Verdict | Refusal:
        """The class of one row."""

    async def embed(self, model: str, samples: Sequence[Samples]) -> Vectors | Refusal:
        """``fused_repr`` of each row."""

    async def embed_text(self, model: str, texts: Sequence[str]) -> Vectors | Refusal:
        """What texts say, in the same space."""

    async def warm(self, models: Sequence[str]) -> Refusal | None:
        """Load these, so that nobody waits for it."""


class Encoding(Protocol):
    """The frozen backbones."""

    async def sense(self, parts: Sequence[Part]) -> Samples | Refusal:
        """One row of features."""

    async def embed(self, texts: Sequence[str]) -> Vectors | Refusal:
        """By the sentence encoder."""

    async def warm(self) -> Refusal | None:
        """Load what is needed."""
