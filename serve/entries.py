"""What a gallery of embeddings holds, what it is asked and what it answers."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlecs_ray.errors import InputError

TEXT = 200
WIDTH = 4096
METADATA = 4096
NESTED = 16
"""Lists and objects in one another that metadata may hold: what is deeper cannot be answered as JSON."""
THUMBNAIL = 65536
MODALITIES = 16


@dataclass(frozen=True, eq=False)
class Embedding:
    """What a model says of one thing: a direction in a space that several models may share.

    ``vector`` is any (width,) numbers and becomes float32 of length 1; ``space`` names what may be compared;
    ``made_by`` is the version of the model. Raises InputError where it has no direction.
    """

    vector: ArrayLike
    space: str
    made_by: str

    def __post_init__(self) -> None:
        check_text(self.space, "space")
        check_text(self.made_by, "made_by")
        object.__setattr__(self, "vector", _unit(self.vector))

    @property
    def unit(self) -> NDArray[np.float32]:
        """(width,), of length 1."""
        return np.asarray(self.vector, np.float32)


@dataclass(frozen=True, eq=False)
class Entry:
    """One thing to enrol; raises InputError where a part of it breaks a limit.

    ``id`` None: one is made. An entry whose ``id`` is enrolled already replaces it. ``metadata`` is a small JSON
    object; ``thumbnail`` the bytes of a small PNG, JPEG or WebP.
    """

    embedding: Embedding
    id: str | None = None
    identity: str | None = None
    camera: str | None = None
    modalities: frozenset[str] = frozenset()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    thumbnail: bytes | None = None

    def __post_init__(self) -> None:
        for name in ("id", "identity", "camera"):
            if getattr(self, name) is not None:
                check_text(getattr(self, name), name)
        check_modalities(self.modalities)
        metadata_text(self.metadata)
        if self.thumbnail is not None:
            media_type(self.thumbnail)


@dataclass(frozen=True)
class Card:
    """An enrolled entry without its vector and picture."""

    id: str
    identity: str | None
    camera: str | None
    modalities: frozenset[str]
    metadata: Mapping[str, Any]
    made_by: str
    has_thumbnail: bool


@dataclass(frozen=True)
class Hit:
    """An entry that a search found; ``score`` is the cosine, in [-1, 1], to nine digits."""

    score: float
    card: Card


@dataclass(frozen=True)
class Facts:
    """What a gallery is: its space, the width of its vectors, how many entries it holds, and whose it is."""

    space: str
    width: int
    entries: int
    owner: str = ""
    """The name of the key that made it; none is known of old ones."""


@dataclass(frozen=True)
class Who:
    """Whose call it is: a key's name, and whether it has the role admin, as whoever has the folder itself."""

    name: str = ""
    admin: bool = True

    def owns(self, owner: str) -> bool:
        """Whether it may replace and remove what is this key's; of old galleries nobody knows whose they are."""
        return self.admin or self.name == owner != ""


@dataclass(frozen=True)
class Limits:
    """How much one store takes: galleries, those of one key, entries in each, entries or ids in one call, hits or cards
    of one answer."""

    galleries: int = 64
    owned: int = 16
    entries: int = 100_000
    batch: int = 1000
    top_k: int = 1000
    page: int = 1000

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise InputError(f"limit {name}={value} must be at least 1, or the store can do nothing")


def check_text(value: object, what: str) -> None:
    """Raise InputError unless ``value`` is 1 to 200 characters that UTF-8 can write."""
    if not isinstance(value, str) or not 1 <= len(value) <= TEXT or not _encodable(value):
        raise InputError(
            f"{what}={_short(value)} must be 1 to {TEXT} characters of Unicode text, so it cannot be stored"
        )


def check_modalities(names: frozenset[str]) -> None:
    """Raise InputError unless these are few, plain names."""
    if len(names) > MODALITIES:
        raise InputError(f"{len(names)} modalities are more than the {MODALITIES} of an entry, so it is refused")
    for name in names:
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", name):
            raise InputError(
                f"modality {_short(name)} must be 1 to 32 letters, digits, '_', '.' or '-', so it cannot be stored"
            )


def metadata_text(metadata: Mapping[str, Any]) -> str:
    """The JSON that is stored; raises InputError unless it is an object of 4,096 bytes at most."""
    try:
        text = json.dumps(dict(metadata), ensure_ascii=False, allow_nan=False, sort_keys=True)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"metadata must be a JSON object, so it cannot be stored: {error}") from error
    if size > METADATA:
        raise InputError(f"metadata has {size} bytes of JSON, more than {METADATA}, so it is refused")
    if _deep(metadata, NESTED):
        raise InputError(f"metadata has more than {NESTED} lists or objects in one another, so it is refused")
    return text


def _deep(value: object, left: int) -> bool:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else None
    return inner is not None and (left == 0 or any(_deep(one, left - 1) for one in inner))


def media_type(picture: bytes) -> str:
    """``image/png``, ``image/jpeg`` or ``image/webp``; raises InputError for other bytes and large ones."""
    if len(picture) > THUMBNAIL:
        raise InputError(f"the thumbnail has {len(picture)} bytes, more than {THUMBNAIL}, so it is refused: shrink it")
    if picture.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if picture.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP":
        return "image/webp"
    raise InputError(f"the thumbnail begins with {picture[:12]!r}, which is no PNG, JPEG or WebP, so it is refused")


def _unit(vector: ArrayLike) -> NDArray[np.float32]:
    try:
        numbers = np.asarray(vector, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"the vector must be a list of numbers, so it has no direction: {error}") from error
    if numbers.ndim != 1 or not 1 <= len(numbers) <= WIDTH:
        raise InputError(f"the vector has shape {numbers.shape}, not 1 to {WIDTH} numbers, so it cannot be compared")
    if not np.isfinite(numbers).all():
        raise InputError("the vector holds NaN or infinite numbers, so it has no direction")
    if not numbers.any():
        raise InputError("the vector is all zeros, so it has no direction")
    # Scaled first: the squares of very large or small numbers are no longer numbers.
    numbers = numbers / np.abs(numbers).max()
    unit: NDArray[np.float32] = (numbers / np.linalg.norm(numbers)).astype(np.float32)
    unit.setflags(write=False)
    return unit


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:60]}... ({len(text)} characters)"
