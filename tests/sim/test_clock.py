"""The clock: order, ties, refusals, checkpoints."""

import math

import numpy as np
import pytest

from mlecs_ray.sim.clock import Clock


def test_events_pop_in_time_order_and_ties_in_the_order_set():
    clock = Clock[str]()
    for delay, event in [(2.0, "c"), (1.0, "a"), (1.0, "b"), (0.0, "start")]:
        clock.set(delay, event)
    assert [(clock.pop(), clock.now) for _ in range(4)] == [("start", 0.0), ("a", 1.0), ("b", 1.0), ("c", 2.0)]


def test_a_delay_counts_from_now():
    clock = Clock[str]()
    clock.set(3.0, "first")
    clock.pop()
    clock.set(2.0, "second")
    assert clock.peek() == 5.0


def test_events_are_never_compared_with_each_other():
    clock = Clock[object]()
    clock.set(1.0, object())
    clock.set(1.0, object())
    assert len(clock.entries()) == 2


def test_an_empty_clock_waits_for_ever_and_has_nothing_to_pop():
    clock = Clock[str]()
    assert (clock.peek(), len(clock)) == (math.inf, 0)
    with pytest.raises(IndexError):
        clock.pop()


@pytest.mark.parametrize("delay", [-1.0, math.nan, math.inf, -math.inf])
def test_a_delay_that_is_no_moment_to_come_is_refused(delay):
    with pytest.raises(ValueError, match=r"delay=.* must be finite and >= 0 seconds, or"):
        Clock[str]().set(delay, "x")


@pytest.mark.parametrize("moment", [0.5, math.nan, math.inf])
def test_a_moment_in_the_past_is_refused(moment):
    clock = Clock[str]()
    clock.set(1.0, "x")
    clock.pop()
    with pytest.raises(ValueError, match=r"must be finite and >= now=1\.0"):
        clock.at(moment, "y")


def test_a_restored_clock_goes_on_as_the_first_would_have():
    def script(clock: Clock[str]) -> list[tuple[float, str]]:
        clock.set(1.0, "late")
        return [(clock.now, clock.pop()) for _ in range(len(clock))]

    first, second = Clock[str](), Clock[str]()
    for delay in (2.0, 1.0, 2.0, 3.0):
        first.set(delay, f"after {delay}")
    first.pop()
    second.restore(first.now, first.entries(), first.ticket)
    assert second.entries() == [(2.0, 0, "after 2.0"), (2.0, 2, "after 2.0"), (3.0, 3, "after 3.0")]
    assert script(second) == script(first)


@pytest.mark.parametrize("entry", [(1.0, 0, "past"), (5.0, 9, "ticket not given yet"), (math.nan, 0, "never")])
def test_a_checkpoint_that_disagrees_with_itself_is_refused(entry):
    with pytest.raises(ValueError, match="or the resumed run differs"):
        Clock[str]().restore(2.0, [entry], 9)


def test_planned_rows_and_other_events_pop_in_one_order():
    """Ties by ticket: rows 0 and 2 were planned first, then "x", then row 0 once more."""
    clock = Clock(3, lambda row: f"row {row}")
    clock.plan_all(np.array([1.0, math.inf, 1.0]))
    clock.at(1.0, "x")
    popped = [clock.pop()]
    clock.plan(0, 1.0)
    assert (len(clock), clock.peek()) == (3, 1.0)
    popped += [clock.pop() for _ in range(3)]
    assert popped == ["row 0", "row 2", "x", "row 0"]
    assert (clock.now, clock.peek(), len(clock)) == (1.0, math.inf, 0)


def test_a_clock_put_back_pops_planned_rows_as_the_first_would_have():
    first, second = (Clock(4, lambda row: f"row {row}") for _ in range(2))
    first.plan_all(np.array([3.0, 2.0, math.inf, 2.0]))
    first.at(2.0, "x")
    second.restore(first.now, first.entries(), first.ticket)
    for clock in (first, second):
        clock.pop()
        clock.plan(1, 2.0)
    rest = [[clock.pop() for _ in range(len(clock))] for clock in (first, second)]
    assert rest == [["row 3", "x", "row 1", "row 0"]] * 2


@pytest.mark.parametrize("moment", [-1.0, math.nan])
def test_a_row_that_has_no_moment_to_come_is_refused(moment):
    clock = Clock(2, str)
    with pytest.raises(ValueError, match=r"moment=(-1.0|nan) must be finite and >= now=0.0"):
        clock.plan_all(np.array([1.0, moment]))
    with pytest.raises(ValueError, match=r"moment="):
        clock.plan(0, moment)
    assert len(clock) == 0
