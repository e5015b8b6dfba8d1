"""What a request carries, decoded and encoded by the frozen backbones: raw content in, one row of features out."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlecs_ray.data import backbones
from mlecs_ray.data.encoding import Frozen, Kind, People, Raw, kind, samples_of
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples
from serve import media, remote
from serve.media import MediaLimits
from serve.models import Refusal, refusal

TEXTS = "minilm"
"""The name under which the frozen sentence encoder is asked for embeddings."""


@dataclass(frozen=True)
class Part:
    """One piece of content as it came: not decoded yet."""

    kind: Kind
    content: Any
    """A URL, base64, numbers, or words."""
    format: str = ""
    """Of sound."""
    modality: str | None = None
    """Which of the model's; None: the only one of this kind."""


@dataclass(frozen=True)
class Sensing:
    """Of which data the models have learned, as a scenario names it, and what one piece of content may hold."""

    data: str
    widths: Mapping[str, int]
    limits: MediaLimits = field(default_factory=MediaLimits)
    people: People | None = None
    """How they are read, where the data are people."""


class Senses:
    """One replica's frozen backbones."""

    def __init__(self, sensing: Sensing) -> None:
        self._sensing, self._frozen = sensing, Frozen(people=sensing.people)

    async def sense(self, parts: Sequence[Part]) -> Samples | Refusal:
        """One row of features, as backbones give them; modalities that no part has are left out."""
        try:
            raw: dict[str, Raw] = {}
            for part in parts:
                modality = self._modality(part)
                if modality in raw:
                    raise InputError(f"modality {modality!r} comes twice in the request: one of each can be sensed")
                raw[modality] = await self._read(part)
            return await asyncio.to_thread(self._encode, raw)
        except Exception as error:
            return refusal(error)

    async def embed(self, texts: Sequence[str]) -> list[list[float]] | Refusal:
        """(384,) at length 1 of each text, by the frozen sentence encoder."""
        try:
            return await asyncio.to_thread(lambda: [self._frozen.text(text).tolist() for text in texts])
        except Exception as error:
            return refusal(error)

    async def warm(self) -> Refusal | None:
        """Load what the data's modalities need."""
        try:
            wanted = {kind(self._sensing.data, modality) for modality in self._sensing.widths}
            await asyncio.to_thread(self._frozen.load, wanted)
        except Exception as error:
            return refusal(error)
        return None

    def _encode(self, raw: Mapping[str, Raw]) -> Samples:
        return samples_of(self._sensing.data, raw, self._sensing.widths, self._frozen)

    async def _read(self, part: Part) -> Raw:
        limits = self._sensing.limits
        match part.kind:
            case "image":
                look = backbones.picture if self._sensing.people is None else backbones.pixels
                return await remote.image(part.content, limits, look=look)
            case "speech":
                return await asyncio.to_thread(media.audio, part.content, part.format, limits)
            case "values":
                return await asyncio.to_thread(media.values, part.content, limits)
            case "text":
                return media.text(part.content, limits)

    def _modality(self, part: Part) -> str:
        """The modality that a part is of. Raises InputError where the model has none of its kind, or several."""
        mine = [m for m in self._sensing.widths if kind(self._sensing.data, m) == part.kind]
        if not mine:
            raise InputError(
                f"content of kind {part.kind} is for none of the models' modalities {list(self._sensing.widths)}: "
                "leave it out"
            )
        if part.modality is not None:
            if part.modality not in mine:
                raise InputError(
                    f"modality {part.modality!r} must be one of {mine} for content of kind {part.kind}, or no model "
                    "can read it"
                )
            return part.modality
        if len(mine) > 1:
            raise InputError(f"content of kind {part.kind} needs a modality, one of {mine}: name it beside the content")
        return mine[0]
