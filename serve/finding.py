"""What is said over HTTP about galleries: what is enrolled, what is looked for, and what is found."""

import base64
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from serve.entries import Hit, media_type
from serve.parts import Name, Own, Parts, Sought, Whole
from serve.protocol import Told

Gallery = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
# One wrong number is told: to list hundreds of thousands would take seconds, in which nobody else is answered.
Vector = Annotated[list[Number], Field(min_length=1, max_length=4096, fail_fast=True)]
Tagged = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class GalleryEntry(Own):
    """One to enrol: what is sensed, or a vector."""

    id: Tagged | None = None
    input: Parts | None = None
    vector: Vector | None = None
    identity: Tagged | None = None
    camera: Tagged | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    thumbnail: str | None = None
    """``data:image/...;base64,...`` of at most 64 kB, for pages."""


class EnrolRequest(Own):
    """``POST /v1/gallery/{gallery}``."""

    model: Name
    entries: Annotated[list[GalleryEntry], Field(min_length=1, max_length=64)]


class Enrolled(BaseModel):
    """The ids, in the order of the entries."""

    object: Literal["gallery.enrolled"] = "gallery.enrolled"
    gallery: str
    ids: list[str]
    model: str
    mlecs: Told | None = None
    """Of the vectors that were made here; None where all were given."""


class SearchRequest(Own):
    """``POST /v1/search``: who in a gallery is most like what is sensed, said, or given as a vector."""

    model: Name
    gallery: Gallery
    input: Sought | None = None
    vector: Vector | None = None
    top_k: Annotated[Whole, Field(ge=1, le=100)] = 10
    cameras: Annotated[list[Name], Field(max_length=64)] | None = None
    """Only of these."""
    not_camera: Name | None = None
    """Nothing from this one, whoever it shows."""
    identities: Annotated[list[Name], Field(max_length=64)] | None = None
    modality: Name | None = None


class Found(BaseModel):
    """One of the gallery."""

    id: str
    score: float
    """Cosine similarity."""
    identity: str | None
    camera: str | None
    modalities: list[str]
    metadata: dict[str, Any]
    made_by: str
    thumbnail: str | None = None
    """``data:`` URL."""


class SearchResult(BaseModel):
    """The most alike first."""

    object: Literal["search.result"] = "search.result"
    gallery: str
    model: str
    data: list[Found]
    latency_seconds: float
    mlecs: Told | None = None
    """Of the vector that was looked for; None where it was given."""


def found(hit: Hit, thumbnail: bytes | None = None) -> Found:
    """A hit as it is shown."""
    card = hit.card
    return Found(
        id=card.id,
        score=hit.score,
        identity=card.identity,
        camera=card.camera,
        modalities=sorted(card.modalities),
        metadata=dict(card.metadata),
        made_by=card.made_by,
        thumbnail=None if thumbnail is None else _data_url(thumbnail),
    )


def _data_url(picture: bytes) -> str:
    return f"data:{media_type(picture)};base64,{base64.b64encode(picture).decode()}"
