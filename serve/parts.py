"""What requests are made of: words and content parts, as OpenAI has them, and numbers of sensors, which are ours."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, StringConstraints, Tag

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Words = Annotated[str, StringConstraints(max_length=100_000)]
Whole = Annotated[int, BeforeValidator(lambda v: int(v) if isinstance(v, float) and v.is_integer() else v)]
"""In JSON, 5.0 is a whole number as well."""
StopText = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Body(BaseModel):
    """What clients send: fields that nobody knows are taken and left alone, as OpenAI's clients send more each year."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, extra="ignore", strict=True)


class Own(Body):
    """What is ours to define: a field that nobody knows is misspelt, and what it was to bound or to filter is not."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, extra="forbid", strict=True)


class TextPart(Body):
    """Words; with ``modality``, words that are sensed, e.g. a caption in another language."""

    type: Literal["text"]
    text: Words
    modality: Name | None = None


class ImageUrl(Body):
    """``data:image/png;base64,...``; other URLs only where the server allows their hosts."""

    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class ImagePart(Body):
    """A picture."""

    type: Literal["image_url"]
    image_url: ImageUrl
    modality: Name | None = None


class InputAudio(Body):
    """Base64 of a file."""

    data: str
    format: Literal["wav", "mp3", "ogg", "flac"]


class AudioPart(Body):
    """A sound; ``modality`` says which where the model hears several, e.g. ``speech_fr``."""

    type: Literal["input_audio"]
    input_audio: InputAudio
    modality: Name | None = None


class InputValues(Body):
    """Numbers, in lists of up to four levels."""

    values: list[Any]


class ValuesPart(Body):
    """Numbers of a sensor: ours, as OpenAI has no such part."""

    type: Literal["input_values"]
    input_values: InputValues
    modality: Name | None = None


ContentPart = Annotated[TextPart | ImagePart | AudioPart | ValuesPart, Field(discriminator="type")]
Parts = Annotated[list[ContentPart], Field(min_length=1, max_length=16)]


def _kind(value: object) -> str | None:
    """Which branch of a union is meant, so that an error is about that one alone."""
    if isinstance(value, str):
        return "words"
    if not isinstance(value, list):
        return None
    return "rows" if value and isinstance(value[0], list) else "list"


def _either(told: str) -> Discriminator:
    return Discriminator(_kind, custom_error_type="kind", custom_error_message=f"must be {told}")


Content = Annotated[
    Annotated[Words, Tag("words")] | Annotated[list[ContentPart], Field(max_length=32), Tag("list")],
    _either("a string, or a list of content parts"),
]
Stop = Annotated[
    Annotated[StopText, Tag("words")] | Annotated[list[StopText], Field(max_length=4), Tag("list")],
    _either("a string, or a list of strings"),
]
Sought = Annotated[
    Annotated[Words, Tag("words")] | Annotated[Parts, Tag("list")], _either("a string, or a list of content parts")
]
Embedded = Annotated[
    Annotated[Words, Tag("words")]
    | Annotated[list[Words], Field(min_length=1, max_length=256), Tag("list")]
    | Annotated[list[Parts], Field(min_length=1, max_length=64), Tag("rows")],
    _either("a string, a list of strings, or a list of lists of content parts"),
]
TAGS = frozenset({"words", "list", "rows"})
TYPES = frozenset({"text", "image_url", "input_audio", "input_values"})
"""Names of branches, those of parts behind their number: no fields, so errors leave them out."""
