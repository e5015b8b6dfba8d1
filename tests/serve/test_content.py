"""A request taken apart."""

import asyncio

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.serving.turns import Turn
from serve.answering import Declined
from serve.content import conversation, sense, words_of
from serve.models import Refusal
from serve.protocol import ChatRequest, Message
from serve.senses import Part
from tests.serve.fakes import FakeEncoding

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
SOUND = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}, "modality": "speech_fr"}
NUMBERS = {"type": "input_values", "input_values": {"values": [[1, 2]]}, "modality": "motion"}


def _messages(*contents: object) -> list[Message]:
    told = [{"role": "user", "content": content} for content in contents]
    return list(ChatRequest.model_validate({"model": "auto", "messages": told}).messages)


def test_words_and_what_is_sensed_are_told_apart() -> None:
    turns, parts = conversation(_messages([{"type": "text", "text": "What is it?"}, PICTURE, SOUND, NUMBERS]))
    assert turns == (Turn("user", "What is it?"),)
    assert parts == [
        Part("image", "data:image/png;base64,AA=="),
        Part("speech", "AA==", "wav", "speech_fr"),
        Part("values", [[1, 2]], modality="motion"),
    ]


def test_words_with_a_modality_are_sensed_and_not_asked() -> None:
    turns, parts = conversation(_messages([{"type": "text", "text": "un chat", "modality": "text_fr"}]))
    assert (turns, parts) == ((), [Part("text", "un chat", modality="text_fr")])


def test_turns_keep_their_order_and_roles() -> None:
    told = [{"role": role, "content": role} for role in ("developer", "user", "assistant", "user")]
    turns, _ = conversation(list(ChatRequest.model_validate({"model": "auto", "messages": told}).messages))
    assert [turn.role for turn in turns] == ["system", "user", "assistant", "user"]


def test_one_moment_alone_is_sensed() -> None:
    with pytest.raises(InputError, match="a model senses one moment"):
        conversation(_messages([PICTURE], [PICTURE]))


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="neither words nor anything sensed"):
        conversation(_messages(" ", [{"type": "text", "text": ""}]))


def test_several_words_are_lines() -> None:
    (message,) = _messages([{"type": "text", "text": "a"}, PICTURE, {"type": "text", "text": "b"}])
    assert not isinstance(message.content, str)
    assert words_of(message.content) == "a\nb"


class Deaf(FakeEncoding):
    """Senses nothing."""

    async def sense(self, parts: object) -> Refusal:  # type: ignore[override]
        return Refusal("input", "audio: is damaged")


def test_what_cannot_be_sensed_is_refused() -> None:
    assert asyncio.run(sense(FakeEncoding(), [])) is None
    with pytest.raises(Declined, match="audio: is damaged") as found:
        asyncio.run(sense(Deaf(), [Part("speech", "AA==", "wav")]))
    assert found.value.status == 400
