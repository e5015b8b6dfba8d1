"""Whose turn it is, in virtual time and on a wall clock that the tests set by hand."""

import asyncio
import random

import pytest

from mlecs_ray.method import Update
from mlecs_ray.server.pace import VirtualPace, WallPace
from mlecs_ray.sim.clock import Clock
from mlecs_ray.sim.fleet import Ready

UPDATE = Update({}, 1.0)


class Hand:
    """A wall clock that stands still until it is set; it does not begin at 0, as no real one does."""

    def __init__(self, seconds: float = 100.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


class Server:
    """A wall pace, its clocks, and what has come so far as (moment, event)."""

    def __init__(self, until: float = 10.0, now: float = 0.0) -> None:
        self.hand, self.clock, self.until = Hand(), Clock[str](), until
        self.clock.now = now
        self.pace = WallPace[str](self.hand)
        self.came: list[tuple[float, str]] = []

    async def arrive(self, moment: float, event: str) -> None:
        """Let a job answer when the wall clock shows ``moment`` seconds since 100."""
        self.hand.seconds = 100.0 + moment
        await self.pace.expect(1, Ready(UPDATE), event)

    async def next(self) -> str | None:
        event = await self.pace.next(self.clock, self.until)
        if event is not None:
            self.came.append((self.clock.now, event))
        return event

    async def begin(self) -> None:
        """The first turn: from now on time passes."""
        self.clock.set(0.0, "begin")
        assert await self.next() == "begin"
        self.came.clear()

    async def rest(self) -> list[tuple[float, str]]:
        while await self.next() is not None:
            pass
        return self.came


def test_virtual_time_jumps_from_event_to_event_and_includes_the_last_moment() -> None:
    async def run() -> None:
        clock, pace = Clock[str](), VirtualPace[str]()
        for moment, event in ((7.0, "late"), (5.0, "at the end"), (2.0, "first")):
            clock.at(moment, event)
        assert [await pace.next(clock, 5.0) for _ in range(3)] == ["first", "at the end", None]
        assert (clock.now, len(clock)) == (5.0, 1)

    asyncio.run(run())


def test_virtual_time_expects_nothing_from_outside() -> None:
    answer = Ready(UPDATE)
    assert VirtualPace[str]().expect(1, answer, "due") is answer


def test_arrivals_come_in_their_order_at_the_moment_at_which_they_arrived() -> None:
    async def run() -> None:
        server = Server()
        await server.begin()
        for moment, event in ((1.0, "c"), (2.5, "a"), (2.5, "b")):
            await server.arrive(moment, event)
        server.hand.seconds = 110.0
        assert await server.rest() == [(1.0, "c"), (2.5, "a"), (2.5, "b")]

    asyncio.run(run())


def test_the_answer_is_what_the_job_gave() -> None:
    async def run() -> None:
        assert await WallPace[str](Hand()).expect(1, Ready(UPDATE), "due") is UPDATE

    asyncio.run(run())


def test_a_job_that_fails_arrives_too_and_whoever_awaits_its_answer_learns_why() -> None:
    async def run() -> None:
        server, broken = Server(), asyncio.get_running_loop().create_future()
        answer = server.pace.expect(1, broken, "broken")
        broken.set_exception(RuntimeError("out of memory"))
        assert await server.next() == "broken"
        with pytest.raises(RuntimeError, match="out of memory"):
            await answer

    asyncio.run(run())


def test_endless_arrivals_do_not_keep_out_what_is_planned() -> None:
    """Something has always arrived before the server asks: an alarm at 1.0 comes between 0.9 and 1.2 all the same."""

    async def run() -> None:
        server = Server()
        await server.begin()
        server.clock.at(1.0, "alarm")
        for turn in range(1, 8):
            await server.arrive(0.3 * turn, "job")
            await server.arrive(0.3 * turn, "job")
            await server.next()
        assert [event for _, event in server.came] == ["job"] * 6 + ["alarm"]
        assert server.came[-1][0] == 1.0

    asyncio.run(run())


def test_planned_events_that_are_always_overdue_do_not_keep_out_arrivals() -> None:
    """Evaluations are due every second and take two: what arrived at 2.5 comes between the second and the third."""

    async def run() -> None:
        server = Server(until=5.0)
        await server.begin()
        server.clock.at(1.0, "tick")
        server.hand.seconds = 101.0
        await server.next()
        for moment in (2.5, 4.5, 6.5):
            server.clock.set(1.0, "tick")
            await server.arrive(moment, "job")
            await server.next()
        assert server.came == [(1.0, "tick"), (2.0, "tick"), (2.5, "job"), (3.0, "tick")]

    asyncio.run(run())


def test_answers_are_noticed_though_the_server_never_waits() -> None:
    """An arrival waits behind three overdue events: each turn lets the loop hear that another job has answered."""

    async def run() -> None:
        server = Server(until=20.0)
        await server.begin()
        for moment in (1.0, 2.0, 3.0):
            server.clock.at(moment, "overdue")
        await server.arrive(3.5, "first")
        server.pace.expect(2, Ready(UPDATE), "second")
        for _ in range(3):
            server.hand.seconds += 1.0
            await server.next()
        server.hand.seconds = 120.0
        assert [event for _, event in await server.rest()] == ["overdue"] * 3 + ["first", "second"]
        assert server.clock.now <= 6.5

    asyncio.run(run())


def test_what_is_planned_for_a_moment_comes_before_what_arrived_at_it() -> None:
    async def run() -> None:
        server = Server()
        await server.begin()
        server.clock.at(2.0, "deadline")
        await server.arrive(2.0, "job")
        server.hand.seconds = 110.0
        assert await server.rest() == [(2.0, "deadline"), (2.0, "job")]

    asyncio.run(run())


def test_a_run_ends_though_something_always_arrives() -> None:
    async def run() -> None:
        server, moment = Server(until=3.0), 0.0
        await server.begin()
        while moment < 100.0:
            moment += 0.25
            await server.arrive(moment, "job")
            if await server.next() is None:
                break
        assert [when for when, _ in server.came] == [0.25 * turn for turn in range(1, 13)]
        assert server.clock.now == 3.0

    asyncio.run(run())


def test_what_happened_in_time_still_comes_when_the_server_is_late() -> None:
    async def run() -> None:
        server = Server(until=3.0)
        await server.begin()
        server.clock.at(3.0, "tick")
        server.clock.at(4.0, "after the end")
        for moment, event in ((2.75, "in time"), (3.25, "too late")):
            await server.arrive(moment, event)
        server.hand.seconds = 150.0
        assert await server.rest() == [(2.75, "in time"), (3.0, "tick")]

    asyncio.run(run())


def test_a_planned_event_is_waited_for_where_nothing_arrives() -> None:
    async def run() -> None:
        server = Server()
        server.clock.at(1e-6, "tick")
        assert await server.next() == "tick"
        assert server.clock.now == 1e-6

    asyncio.run(run())


def test_an_arrival_ends_the_waiting() -> None:
    """The planned event is an hour away, so that this test ends only if the arrival is heard."""

    async def run() -> None:
        server, answer = Server(until=1e6), asyncio.get_running_loop().create_future()
        await server.begin()
        server.clock.set(3600.0, "tick")
        server.pace.expect(1, answer, "job")
        waiting = asyncio.ensure_future(server.next())
        for _ in range(10):
            await asyncio.sleep(0)
        assert not waiting.done()
        server.hand.seconds = 142.0
        answer.set_result(UPDATE)
        assert await waiting == "job"
        assert server.came == [(42.0, "job")]

    asyncio.run(run())


@pytest.mark.parametrize("seed", range(20))
def test_time_never_runs_backwards_nor_beyond_what_is_still_to_come(seed: int) -> None:
    async def run() -> None:
        chance, server = random.Random(seed), Server(until=50.0)
        await server.begin()
        for _ in range(200):
            server.hand.seconds += chance.choice((0.0, 0.1, 1.0))
            if chance.random() < 0.5:
                server.clock.set(chance.choice((0.0, 0.05, 2.0)), "planned")
            await server.arrive(server.hand.seconds - 100.0, "job")
            await server.next()
            assert server.clock.now <= min(server.clock.peek(), server.hand.seconds - 100.0)
        moments = [moment for moment, _ in server.came]
        assert moments == sorted(moments)
        assert {event for _, event in server.came} == {"planned", "job"}

    asyncio.run(run())


def test_a_timer_that_rings_early_does_not_turn_back_time() -> None:
    """The wall clock stands, so that the tick comes early by all of its microsecond and the job seems older."""

    async def run() -> None:
        server = Server()
        server.clock.at(1e-6, "tick")
        await server.next()
        await server.arrive(0.0, "job")
        assert await server.next() == "job"
        assert server.clock.now == 1e-6

    asyncio.run(run())


def test_a_resumed_run_goes_on_from_the_moment_of_its_clock() -> None:
    async def run() -> None:
        server = Server(now=6.0)
        server.clock.at(8.0, "tick")
        await server.begin()
        for moment in (1.0, 3.0, 5.0):
            await server.arrive(moment, "job")
        server.hand.seconds = 110.0
        assert await server.rest() == [(7.0, "job"), (8.0, "tick"), (9.0, "job")]

    asyncio.run(run())


def test_whoever_stops_it_need_not_wait_for_an_event() -> None:
    """Nothing is planned for a thousand seconds and nothing arrives; it looks again after a quarter of a second."""
    asked: list[None] = []

    def stopped() -> bool:
        asked.append(None)
        return len(asked) > 2

    clock: Clock[str] = Clock()
    clock.set(1000.0, "planned")
    assert asyncio.run(WallPace().next(clock, 2000.0, stopped)) is None
    assert clock.peek() == 1000.0
