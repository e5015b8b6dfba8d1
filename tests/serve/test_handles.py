"""Replicas that live, die and come back, behind a handle that holds questions as Ray Serve's does."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ray.exceptions import ActorDiedError
from ray.serve.exceptions import RequestCancelledError

from mlecs_ray.serving.batcher import Piece
from mlecs_ray.serving.host import Ask
from serve.handles import REACH_SECONDS, RaySide
from serve.models import Began, Refusal
from tests.serve.virtual import Clock, run, settle

BEGAN = Began("edge@1", "phone-mid", 1, 1.0, (), ())


class Asked:
    """One question on its way: it waits for as long as no replica is there."""

    def __init__(self, handle: "Handle") -> None:
        self._handle, self.cancelled = handle, False
        self._items: list[Any] = [(), (BEGAN, Piece("a", 1)), (Piece(finish="stop"),)]

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        await self._handle.there.wait()
        if not self._items:
            raise StopAsyncIteration
        if len(self._items) < 3 and self._handle.dies:
            raise ActorDiedError
        if len(self._items) < 2 and self._handle.leaves:
            raise RequestCancelledError("r1")
        await asyncio.sleep(0 if len(self._items) == 3 else self._handle.thinks)
        return self._items.pop(0)

    def cancel(self) -> None:
        self.cancelled = True


class Handle:
    """Of a deployment with one replica, which is there, or is not."""

    def __init__(self) -> None:
        self.there = asyncio.Event()
        self.there.set()
        self.dies, self.leaves, self.thinks = False, False, 0.0
        self.asked: list[Asked] = []
        self.warmed: list[str] = []
        self.deadly = False
        """Whether a replica dies that is to load something."""
        self.stream, self.warm, self.embed = _Method(self._stream), _Method(self._warm), _Method(self._embed)

    def options(self, **_: object) -> "Handle":
        return self

    def _stream(self, model: str, ask: Ask) -> Asked:
        self.asked.append(Asked(self))
        return self.asked[-1]

    async def _warm(self, models: list[str]) -> None:
        await self.there.wait()
        if models and self.deadly:
            raise ActorDiedError
        self.warmed += models

    async def _embed(self, model: str, samples: Any) -> list[list[float]]:
        await self.there.wait()
        return []


class _Method:
    def __init__(self, remote: Any) -> None:
        self.remote = remote


async def _said(side: RaySide) -> list[Any]:
    return [item async for item in side.stream("edge@1", Ask())]


def test_an_answer_comes_without_the_sign_that_a_replica_has_the_question() -> None:
    async def play() -> list[Any]:
        return await _said(RaySide(Handle()))

    assert run(play()) == [BEGAN, Piece("a", 1), Piece(finish="stop")]


def test_whoever_takes_long_to_answer_is_waited_for() -> None:
    async def play() -> list[Any]:
        handle = Handle()
        handle.thinks = 10 * REACH_SECONDS
        return await _said(RaySide(handle))

    assert run(play())[0] == BEGAN


def test_nobody_waits_for_a_replica_that_has_yet_to_start() -> None:
    clock = Clock()

    async def play() -> None:
        handle = Handle()
        handle.there.clear()
        side = RaySide(handle)
        (refused,) = await _said(side)
        assert (refused.kind, clock.now) == ("down", REACH_SECONDS)
        assert handle.asked[0].cancelled
        # The next one is told at once.
        assert await _said(side) == [refused]
        assert await side.embed("edge@1", []) == refused
        assert clock.now == REACH_SECONDS
        assert len(handle.asked) == 1
        handle.there.set()
        await settle()
        assert handle.warmed == ["edge@1"]
        assert (await _said(side))[0] == BEGAN

    run(play(), clock)


def test_a_replica_that_dies_while_it_answers_is_asked_again_when_it_is_there() -> None:
    async def play() -> None:
        handle = Handle()
        handle.dies = True
        side = RaySide(handle)
        (refused,) = await _said(side)
        assert isinstance(refused, Refusal)
        assert refused.kind == "down"
        handle.dies = False
        handle.there.clear()
        assert [one.kind for one in await _said(side)] == ["down"]
        assert len(handle.asked) == 1
        handle.there.set()
        await settle()
        assert (await _said(side))[0] == BEGAN

    run(play())


def test_what_is_cancelled_with_its_asker_is_no_replica_that_is_down() -> None:
    """Else who leaves would speak against the version that answered, and be logged as a failure."""

    async def play() -> None:
        handle = Handle()
        handle.leaves = True
        side = RaySide(handle)
        stream = side.stream("edge@1", Ask())
        assert await anext(stream) == BEGAN
        assert isinstance(await anext(stream), Piece)
        with pytest.raises(asyncio.CancelledError):
            await anext(stream)
        assert not side.away

    run(play())


def test_a_model_by_which_replicas_die_is_not_loaded_again_unasked() -> None:
    async def play() -> None:
        handle = Handle()
        handle.there.clear()
        side = RaySide(handle)
        await _said(side)
        handle.deadly = True
        handle.there.set()
        await asyncio.sleep(60)
        assert handle.warmed == []
        assert (await _said(side))[0] == BEGAN

    run(play())
