"""Never more run than may, whoever waits has their turn, and nothing is lost on the way."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlecs_ray.errors import InputError
from serve.admission import Admission, Room
from serve.limits import Refused
from tests.serve.virtual import Clock, run, settle

requests = st.lists(
    st.tuples(st.floats(0, 10), st.floats(0, 5), st.none() | st.floats(0, 5)),
    max_size=30,
)
"""When each comes, how long it runs, and how long it is until its client leaves."""


class Crowd:
    """Requests that come, run and are cancelled at their times; it writes down what it sees."""

    def __init__(self, admission: Admission, clock: Clock) -> None:
        self.admission, self.clock = admission, clock
        self.most_running = self.most_waiting = self.running = 0
        self.lined_up: list[int] = []
        self.began: list[int] = []

    async def request(self, number: int, comes: float, runs: float) -> None:
        await asyncio.sleep(comes)
        self.lined_up.append(number)
        hold = await self.admission.acquire()
        async with hold:
            self.began.append(number)
            self.running += 1
            self.look()
            try:
                await asyncio.sleep(runs)
            finally:
                self.running -= 1

    def look(self) -> None:
        self.most_running = max(self.most_running, self.running, self.admission.running)
        self.most_waiting = max(self.most_waiting, self.admission.waiting)

    async def all(self, requests: list[tuple[float, float, float | None]]) -> list[object]:
        tasks = []
        for number, (comes, runs, leaves) in enumerate(requests):
            tasks.append(asyncio.ensure_future(self.request(number, comes, runs)))
            if leaves is not None:
                asyncio.get_running_loop().call_later(comes + leaves, tasks[-1].cancel)
        return await asyncio.gather(*tasks, return_exceptions=True)


def crowd(slots: int, queue: int, requests) -> tuple[Crowd, list[object]]:
    clock = Clock()
    seen = Crowd(Admission(slots, queue, clock), clock)
    return seen, run(seen.all(requests), clock)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 4), st.integers(0, 5), requests)
def test_never_more_run_or_wait_than_may_and_everything_is_released(slots, queue, requests):
    seen, ends = crowd(slots, queue, requests)
    assert seen.most_running <= slots
    assert seen.most_waiting <= queue
    assert (seen.running, seen.admission.running, seen.admission.waiting) == (0, 0, 0)
    assert all(end is None or isinstance(end, Refused | asyncio.CancelledError) for end in ends)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 4), st.integers(0, 30), requests)
def test_whoever_came_first_runs_first(slots, queue, requests):
    seen, _ = crowd(slots, queue, requests)
    assert seen.began == [number for number in seen.lined_up if number in set(seen.began)]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 4), requests)
def test_with_room_for_all_in_line_nobody_is_refused_who_stays(slots, requests):
    _, ends = crowd(slots, len(requests), requests)
    stayed = [end for end, (_, _, leaves) in zip(ends, requests, strict=True) if leaves is None]
    assert stayed == [None] * len(stayed)


async def _the_fourth(admission: Admission) -> Refused:
    """What it is told, while two run and one waits."""
    await admission.acquire()
    await admission.acquire()
    waiting = asyncio.ensure_future(admission.acquire())
    await settle()
    with pytest.raises(Refused) as caught:
        await admission.acquire()
    assert admission.waiting == 1
    waiting.cancel()
    return caught.value


def test_the_refusal_tells_when_those_in_line_will_have_been_served():
    """4 s each on average, two slots, one in line: it and the refused one would take 2 · 4 / 2 = 4 s."""

    refused = run(_the_fourth(Admission(2, 1, Clock(), expected_seconds=4.0)))
    assert (refused.status, refused.reason, refused.retry_after_seconds) == (503, "full", 4.0)
    assert str(refused) == "2 requests run and 1 wait, all that may; try again in 4 s"


def test_nobody_joins_a_line_that_would_take_too_long():
    """4 s each on average, two slots: the first in line waits about 2 s, the second 4 s."""

    admission = Admission(2, 10, Clock(), expected_seconds=4.0, wait_seconds=3.0)
    refused = run(_the_fourth(admission))
    assert str(refused) == "2 requests run and 1 wait, all that may; try again in 4 s"


def test_the_estimate_follows_what_requests_take():
    """Guess 1 s, measured 11 s at weight 0.1: 2 s."""

    async def main() -> float:
        clock = Clock()
        admission = Admission(1, 0, clock)
        hold = await admission.acquire()
        clock.now = 11.0
        hold.release()
        await admission.acquire()
        with pytest.raises(Refused) as caught:
            await admission.acquire()
        return caught.value.retry_after_seconds

    assert run(main()) == pytest.approx(2.0)


def test_a_slot_that_comes_in_the_same_step_as_the_cancellation_goes_to_the_next():
    async def main() -> None:
        admission = Admission(1, 2, Clock())
        hold = await admission.acquire()
        leaves, stays = (asyncio.ensure_future(admission.acquire()) for _ in range(2))
        await settle()
        hold.release()
        leaves.cancel()
        async with await stays:
            assert (admission.running, admission.waiting) == (1, 0)
        with suppress(asyncio.CancelledError):
            await leaves
        assert admission.running == 0

    run(main())


def test_one_that_left_the_line_in_the_same_step_is_passed_over():
    async def main() -> None:
        admission = Admission(1, 2, Clock())
        hold = await admission.acquire()
        leaves, stays = (asyncio.ensure_future(admission.acquire()) for _ in range(2))
        await settle()
        leaves.cancel()
        hold.release()
        (await stays).release()
        with suppress(asyncio.CancelledError):
            await leaves
        assert (admission.running, admission.waiting) == (0, 0)

    run(main())


def test_whoever_leaves_the_line_makes_room_in_it():
    async def main() -> None:
        admission = Admission(1, 1, Clock())
        hold = await admission.acquire()
        leaves = asyncio.ensure_future(admission.acquire())
        await settle()
        leaves.cancel()
        await settle()
        stays = asyncio.ensure_future(admission.acquire())
        await settle()
        hold.release()
        (await stays).release()

    run(main())


@pytest.mark.parametrize(("slots", "queue"), [(0, 1), (1, -1)])
def test_a_server_that_can_let_nobody_in_is_refused(slots, queue):
    with pytest.raises(InputError, match=r"slots=0 must|queue=-1 must"):
        Admission(slots, queue)


def test_room_is_given_back_whatever_comes_of_a_body() -> None:
    room = Room(10)
    with room.hold() as first:
        first(6)
        with pytest.raises(Refused, match="bodies of 6 bytes are being read") as found, room.hold() as second:
            second(5)
        assert found.value.status == 503
        with room.hold() as second:
            second(4)
            with pytest.raises(Refused):
                first(1)
    with room.hold() as one:
        one(10)
