"""Who is online when: hand-made cases, and properties that hold for any question in any order."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlecs_ray.errors import InputError
from mlecs_ray.seeds import derive, uniform
from mlecs_ray.sim.availability import Always, Availability, Both, Diurnal, Markov, Membership
from mlecs_ray.sim.trace import trace_from_rows

KINDS: dict[str, Callable[[], Availability]] = {
    "always": Always,
    "diurnal": lambda: Diurnal(period=100.0, on_share=0.3, spread=1.0, seed=1),
    "thirds": lambda: Diurnal(period=1 / 3, on_share=0.1, spread=0.7, seed=2),
    "markov": lambda: Markov(mean_on=7.0, mean_off=3.0, seed=3),
    "trace": lambda: trace_from_rows([[(0.1, 0.3), (0.7, 1.1)], [(0.0, 2.0), (3.0, 5.0)], []], [1.1, 5.0, 9.0]),
    "both": lambda: Both(Diurnal(100.0, 0.5, 1.0, 1), Markov(20.0, 5.0, 3)),
    "members": lambda: Membership(Markov(7.0, 3.0, 3), {0: 11.0, 2: 30.0}, {1: 40.0, 2: 77.7}),
}
MEETING = {"both", "members"}
kinds = st.sampled_from(sorted(KINDS))
moments = st.floats(0, 5e3, allow_nan=False)


@dataclass(frozen=True)
class Windows:
    """A fake: online in these windows."""

    windows: tuple[tuple[float, float], ...]

    def state(self, client: int, seconds: float) -> tuple[bool, float]:
        for start, end in self.windows:
            if seconds < start:
                return False, start
            if seconds < end:
                return True, end
        return False, math.inf


@settings(max_examples=60, deadline=None)
@given(kinds, st.lists(st.tuples(st.integers(0, 4), moments), min_size=2, max_size=12))
def test_answers_do_not_depend_on_the_order_of_questions(kind, questions):
    forwards, backwards = KINDS[kind](), KINDS[kind]()
    first = [forwards.state(*q) for q in questions]
    second = [backwards.state(*q) for q in reversed(questions)]
    assert first == second[::-1]
    assert first == [KINDS[kind]().state(*q) for q in questions]


@settings(max_examples=60, deadline=None)
@given(kinds, st.integers(0, 4), moments)
def test_states_tile_time_and_alternate(kind, client, start):
    availability, seconds = KINDS[kind](), start
    online, until = availability.state(client, seconds)
    for _ in range(20):
        if until == math.inf:
            break
        assert until > seconds
        assert availability.state(client, math.nextafter(until, -math.inf))[0] is online
        seconds, was = until, online
        online, until = availability.state(client, seconds)
        # Where two must meet, the end of one's absence may find the other absent.
        assert online is not was or (not was and kind in MEETING)


@settings(max_examples=60, deadline=None)
@given(kinds, st.integers(0, 4), moments, st.floats(0, 1))
def test_every_moment_within_a_state_gives_its_end(kind, client, start, share):
    availability = KINDS[kind]()
    online, until = availability.state(client, start)
    between = start + share * (min(until, 1e6) - start)
    if between < until:
        again = availability.state(client, between)
        assert again[0] is online
        assert again[1] >= until if kind in MEETING and not online else again[1] == until


def test_always_is_for_ever():
    assert Always().state(3, 1e9) == (True, math.inf)


def test_one_time_zone_sleeps_and_wakes_together():
    day = Diurnal(period=24.0, on_share=0.25, spread=0.0, seed=9)
    for client in range(3):
        assert day.state(client, 0.0) == (True, 6.0)
        assert day.state(client, 6.0) == (False, 24.0)
        assert day.state(client, 49.0) == (True, 54.0)


def test_a_spread_day_starts_later_by_the_clients_own_draw():
    late = 24.0 * uniform(5, "diurnal", 7)
    day = Diurnal(period=24.0, on_share=0.5, spread=1.0, seed=5)
    assert day.state(7, late + 1.0) == (True, late + 12.0)


def test_a_share_of_one_is_always_online():
    assert Diurnal(on_share=1.0).state(0, 5.0) == (True, math.inf)


def test_diurnal_clients_around_the_globe_are_online_by_the_share():
    """2,000 clients at 0.3 have a standard deviation of sqrt(.3 * .7 / 2000) = 0.0102."""
    day = Diurnal(period=86_400.0, on_share=0.3, spread=1.0, seed=4)
    assert sum(day.state(c, 5e4)[0] for c in range(2000)) / 2000 == pytest.approx(0.3, abs=0.04)


def test_markov_intervals_are_exponential_draws_added_up():
    """The first three ends of a client, from the seed's own numbers.

    on = uniform(seed, "first", client) * (7 + 3) < 7
    end_k = end_{k-1} - mean * log(1 - uniform(derive(seed, "interval", client), k))
    """
    markov, end = Markov(7.0, 3.0, seed=3), 0.0
    on = uniform(3, "first", 5) * 10.0 < 7.0
    for k in range(3):
        start, end = end, end - (7.0 if on else 3.0) * math.log1p(-uniform(derive(3, "interval", 5), k))
        assert markov.state(5, start) == (on, end)
        on = not on


def test_markov_is_stationary_from_the_start():
    """The share online is mean_on / (mean_on + mean_off) = 0.7 at any time; 2,000 clients give it +- 0.0102."""
    markov = Markov(mean_on=7.0, mean_off=3.0, seed=1)
    for seconds in (0.0, 2.0, 50.0):
        assert sum(markov.state(c, seconds)[0] for c in range(2000)) / 2000 == pytest.approx(0.7, abs=0.04)


def test_markov_intervals_have_the_means_asked_for():
    """The share of a long time that one client is online; 20,000 s of 10 s cycles."""
    markov, seconds, online = Markov(7.0, 3.0, seed=2), 0.0, 0.0
    while seconds < 20_000:
        on, until = markov.state(0, seconds)
        online += (until - seconds) * on
        seconds = until
    assert online / seconds == pytest.approx(0.7, abs=0.03)


def test_both_is_on_only_where_both_are():
    both = Both(Windows(((0, 10), (20, 30))), Windows(((5, 25),)))
    assert both.state(0, 0.0) == (False, 5)
    assert both.state(0, 5.0) == (True, 10)
    assert both.state(0, 10.0) == (False, 20)
    assert both.state(0, 22.0) == (True, 25)
    assert both.state(0, 25.0) == (False, math.inf)


def test_two_that_never_meet_are_off_at_every_question():
    never = Both(Diurnal(10.0, 0.3, 0.0), trace_from_rows([[(5.0, 9.0)]], [10.0]))
    asked = [never.state(0, t) for t in (0.0, 5.0, 9.5, 10.0)]
    assert asked == [(False, 5.0), (False, 10.0), (False, 15.0), (False, 15.0)]


def test_members_come_and_go():
    fleet = Membership(Always(), joins={1: 10.0}, leaves={1: 25.0, 2: 5.0})
    assert fleet.state(0, 3.0) == (True, math.inf)
    assert fleet.state(1, 0.0) == (False, 10.0)
    assert fleet.state(1, 10.0) == (True, 25.0)
    assert fleet.state(1, 25.0) == (False, math.inf)
    assert fleet.state(2, 0.0) == (True, 5.0)


def test_a_member_who_joins_while_offline_appears_when_its_own_state_turns():
    fleet = Membership(Windows(((0, 5), (12, 20))), joins={0: 8.0})
    assert fleet.state(0, 0.0) == (False, 8.0)
    assert fleet.state(0, 8.0) == (False, 12)
    assert fleet.state(0, 12.0) == (True, 20)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Diurnal(period=0.0), r"period=0.0 must be finite and > 0"),
        (lambda: Diurnal(on_share=0.0), r"on_share=0.0 must lie in \(0, 1\], or nobody is ever online"),
        (lambda: Diurnal(spread=1.5), r"spread=1.5 must lie in \[0, 1\]"),
        (lambda: Markov(math.nan, 1.0), r"mean_on=nan must be finite and > 0"),
        (lambda: Markov(1.0, 0.0), r"mean_off=0.0 must be finite and > 0"),
        (lambda: Membership(Always(), {4: 9.0}, {4: 9.0}), r"client 4 joins at 9.0 s and leaves at 9.0 s"),
        (lambda: Markov(1.0, 1.0).state(-1, 0.0), r"client=-1 at 0.0 s"),
        (lambda: Markov(1.0, 1.0).state(0, math.inf), r"client=0 at inf s"),
    ],
)
def test_figures_without_a_meaning_are_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 300])
def test_the_opening_is_what_each_client_would_say_at_0(kind: str, count: int) -> None:
    online, until = KINDS[kind]().opening(count)
    expected = [KINDS[kind]().state(client, 0.0) for client in range(count)]
    assert list(zip(online.tolist(), until.tolist(), strict=True)) == expected


def test_those_who_join_or_leave_later_than_the_fleet_is_large_are_not_looked_at() -> None:
    online, until = Membership(Always(), {1: 4.0, 7: 9.0}, {0: 5.0}).opening(2)
    assert (online.tolist(), until.tolist()) == ([True, False], [5.0, 4.0])
