"""A socket to an actor on the same machine: what it brings, and that it may break at any moment."""

import asyncio
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from actors.lane import Door, Gate, Lane

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="lanes need abstract sockets")


def upper(call: bytes) -> bytes:
    said = pickle.loads(call)
    if said == "fail":
        raise ValueError("no")
    return pickle.dumps(said.upper())


@pytest.fixture
def lane() -> Iterator[Lane]:
    made = Lane()
    made.door = Gate(upper).door
    yield made
    made.close()


async def said(lane: Lane, *words: str) -> list[str | None]:
    answers = []
    for word in words:
        coming = lane.send(word)
        assert coming is not None
        answers.append(await asyncio.wait_for(coming, 10))
    return answers


def test_calls_are_answered_one_after_another(lane):
    assert asyncio.run(said(lane, "a", "b" * 200_000, "c")) == ["A", "B" * 200_000, "C"]


def test_a_call_that_fails_is_told_and_the_next_is_answered(lane):
    assert asyncio.run(said(lane, "a", "fail", "b")) == ["A", None, "B"]


def test_it_takes_one_call_at_a_time(lane):
    async def two() -> str:
        first = lane.send("a")
        assert lane.send("b") is None
        assert first is not None
        return await first

    assert asyncio.run(two()) == "A"


def test_a_call_under_way_has_failed_when_its_lane_is_closed(lane):
    async def closed() -> object:
        coming = lane.send("a")
        lane.close()
        assert coming is not None
        return await asyncio.wait_for(coming, 10)

    assert asyncio.run(closed()) is None


def test_without_a_door_nothing_is_sent():
    async def send() -> object:
        return Lane().send("a")

    assert asyncio.run(send()) is None


def test_whoever_has_no_key_is_not_let_in_and_others_still_are(lane):
    async def send() -> object:
        stranger = Lane()
        assert lane.door is not None
        stranger.door = Door(lane.door.address, b"guessed")
        return stranger.send("a")

    assert asyncio.run(send()) is None
    assert asyncio.run(said(lane, "a")) == ["A"]


def serve(doors) -> None:
    def die(call: bytes) -> bytes:
        if pickle.loads(call) == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return call

    doors.put(Gate(die).door)
    threading.Event().wait()


def test_an_actor_that_dies_ends_the_call_at_once_and_its_successor_is_reached():
    context, lane = multiprocessing.get_context("spawn"), Lane()

    def spawn() -> tuple[multiprocessing.process.BaseProcess, Door]:
        doors = context.Queue()
        process = context.Process(target=serve, args=(doors,), daemon=True)
        process.start()
        return process, doors.get(timeout=60)

    first, lane.door = spawn()
    assert asyncio.run(said(lane, "a", "die")) == ["a", None]
    assert lane.door is None
    first.join(10)
    second, lane.door = spawn()
    assert asyncio.run(said(lane, "b")) == ["b"]
    second.kill()
    second.join(10)

    async def gone() -> object:
        coming = lane.send("c")
        return await coming if coming else None

    assert asyncio.run(gone()) is None
