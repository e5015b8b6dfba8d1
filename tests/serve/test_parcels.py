"""Little is sent, and whoever waits hears that somebody is there."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from mlecs_ray.serving.batcher import Piece
from serve.models import Began, Item, Refusal
from serve.parcels import SIGN_SECONDS, parcels
from tests.serve.virtual import run

BEGAN = Began("edge@1", "phone-mid", 1, 1.0, (), ())
WORDS = [BEGAN, Piece("a", 1), Piece("b", 1, finish="stop")]


class Answer:
    """Items after so many seconds; it knows when it was closed."""

    def __init__(self, items: list[Item], seconds: float = 0.0) -> None:
        self._items, self._seconds, self.closed = items, seconds, False

    async def stream(self) -> AsyncGenerator[Item]:
        try:
            await asyncio.sleep(self._seconds)
            for item in self._items:
                yield item
        finally:
            self.closed = True


async def _sent(answer: Answer) -> list[tuple[Item, ...]]:
    return [parcel async for parcel in parcels(answer.stream())]


def test_who_answers_goes_with_the_first_word() -> None:
    assert run(_sent(Answer(WORDS))) == [(BEGAN, Piece("a", 1)), (Piece("b", 1, finish="stop"),)]


def test_a_refusal_goes_alone() -> None:
    refusal = Refusal("full", "come again")
    assert run(_sent(Answer([refusal]))) == [(refusal,)]


def test_whoever_waits_long_hears_that_somebody_is_there() -> None:
    assert run(_sent(Answer(WORDS, 2 * SIGN_SECONDS)))[:2] == [(), (BEGAN, Piece("a", 1))]


def test_whoever_leaves_before_the_first_word_frees_the_answer() -> None:
    async def play() -> Answer:
        answer = Answer(WORDS, 10 * SIGN_SECONDS)
        async with aclosing(parcels(answer.stream())) as sent:
            assert await anext(sent) == ()
        return answer

    assert run(play()).closed


def test_whoever_is_cancelled_before_the_sign_frees_the_answer() -> None:
    async def play() -> Answer:
        answer = Answer(WORDS, 10 * SIGN_SECONDS)
        asked = asyncio.ensure_future(_sent(answer))
        await asyncio.sleep(SIGN_SECONDS / 2)
        asked.cancel()
        await asyncio.wait({asked})
        return answer

    assert run(play()).closed
