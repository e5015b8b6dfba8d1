"""What a request says, taken apart: words for the language model, and raw content for the senses."""

from collections.abc import Iterable, Sequence

from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples
from mlecs_ray.serving.turns import Turn
from serve.answering import granted
from serve.parts import AudioPart, ContentPart, ImagePart, TextPart
from serve.protocol import Message
from serve.senses import Part
from serve.sides import Encoding

MOST = 100_000
"""Characters of a conversation: to break up more takes seconds, in which nobody else is answered."""


def part_of(content: ContentPart) -> Part | None:
    """Raw content; None for plain words."""
    if isinstance(content, TextPart):
        return None if content.modality is None else Part("text", content.text, modality=content.modality)
    if isinstance(content, ImagePart):
        return Part("image", content.image_url.url, modality=content.modality)
    if isinstance(content, AudioPart):
        return Part("speech", content.input_audio.data, content.input_audio.format, content.modality)
    return Part("values", content.input_values.values, modality=content.modality)


def parts_of(contents: Iterable[ContentPart]) -> list[Part]:
    """All raw content, in order."""
    return [part for content in contents if (part := part_of(content)) is not None]


def words_of(contents: Iterable[ContentPart]) -> str:
    """All plain words."""
    return "\n".join(one.text for one in contents if isinstance(one, TextPart) and one.modality is None)


def check_length(texts: Iterable[str], most: int = MOST) -> None:
    """Raise InputError where texts are longer together than anything can be that is read at once."""
    found = sum(map(len, texts))
    if found > most:
        raise InputError(f"the request holds {found:,} characters, more than {most:,}, so it is not read: ask in parts")


def conversation(messages: Sequence[Message]) -> tuple[tuple[Turn, ...], list[Part]]:
    """The turns in words, and what is sensed: of the last message that brings anything. Raises InputError for none."""
    turns = tuple(
        Turn("system" if one.role == "developer" else one.role, text)
        for one in messages
        if (text := one.content if isinstance(one.content, str) else words_of(one.content)).strip()
    )
    check_length(turn.text for turn in turns)
    sensed = [parts for one in messages if not isinstance(one.content, str) and (parts := parts_of(one.content))]
    if not turns and not sensed:
        raise InputError("messages hold neither words nor anything sensed, so there is nothing to answer")
    if len(sensed) > 1:
        raise InputError(
            "content to sense stands in several messages, but a model senses one moment: put it into the last one"
        )
    return turns, sensed[0] if sensed else []


async def sense(encoding: Encoding, parts: Sequence[Part]) -> Samples | None:
    """One row of features; None where nothing is sensed. Raises Declined where it cannot be."""
    if not parts:
        return None
    return granted(await encoding.sense(parts))
