"""No key gets more than its share, and whoever is refused is told the truth about when to come back."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlecs_ray.errors import InputError
from serve.limits import Hold, KeyLimits, Limits, Refused
from tests.serve.virtual import Clock

WIDE = Limits(per_minute=6000, burst=1000, concurrent=1000)
limits = st.builds(
    Limits,
    per_minute=st.floats(0.5, 600),
    burst=st.integers(1, 20),
    concurrent=st.just(10**6),
)


def refusal(keys: KeyLimits, name: str, limits: Limits) -> Refused:
    with pytest.raises(Refused) as caught:
        keys.acquire(name, limits)
    return caught.value


def test_a_burst_is_let_in_and_then_one_request_per_refill():
    """60 a minute are one a second."""
    clock = Clock()
    keys, own = KeyLimits(clock), Limits(per_minute=60, burst=3, concurrent=10)
    for _ in range(3):
        keys.acquire("ann", own)
    refused = refusal(keys, "ann", own)
    assert (refused.status, refused.reason, refused.retry_after_seconds) == (429, "rate", 1.0)
    clock.now = 0.75
    assert refusal(keys, "ann", own).retry_after_seconds == pytest.approx(0.25)
    clock.now = 1.0
    keys.acquire("ann", own)


def test_however_long_the_pause_only_a_burst_is_saved_up():
    clock = Clock()
    keys, own = KeyLimits(clock), Limits(per_minute=60, burst=2, concurrent=10)
    keys.acquire("ann", own)
    clock.now = 3600.0
    keys.acquire("ann", own)
    keys.acquire("ann", own)
    assert refusal(keys, "ann", own).reason == "rate"


@given(limits, st.lists(st.floats(0, 30), max_size=60))
def test_in_no_time_are_more_let_in_than_the_burst_and_the_rate_allow(own, pauses):
    clock, let_in = Clock(), 0
    keys = KeyLimits(clock)
    for pause in pauses:
        clock.now += pause
        try:
            keys.acquire("ann", own)
        except Refused:
            continue
        let_in += 1
        assert let_in <= own.burst + clock.now * own.per_minute / 60 + 1e-3


@given(limits, st.floats(0, 1e7))
def test_whoever_comes_back_when_told_to_is_let_in_and_not_a_tenth_earlier(own, start):
    clock = Clock(start)
    keys = KeyLimits(clock)
    for _ in range(own.burst):
        keys.acquire("ann", own)
    wait = refusal(keys, "ann", own).retry_after_seconds
    clock.now = start + 0.9 * wait
    refusal(keys, "ann", own)
    clock.now = start + wait
    keys.acquire("ann", own)


def test_keys_do_not_share():
    keys, own = KeyLimits(Clock()), Limits(burst=1, concurrent=1)
    keys.acquire("ann", own)
    keys.acquire("bob", own)


def test_no_more_than_so_many_at_once_and_the_estimate_is_from_what_requests_took():
    """Guess 1 s, then one that took 11 s at weight 0.1: 2 s; two run, so one of them ends in 1 s."""
    clock = Clock()
    keys, own = KeyLimits(clock), Limits(per_minute=6000, burst=100, concurrent=2)
    first = keys.acquire("ann", own)
    keys.acquire("ann", own)
    refused = refusal(keys, "ann", own)
    assert (refused.status, refused.reason, refused.retry_after_seconds) == (429, "concurrency", 0.5)
    clock.now = 11.0
    first.release()
    keys.acquire("ann", own)
    assert refusal(keys, "ann", own).retry_after_seconds == pytest.approx(1.0)


def test_what_is_refused_for_concurrency_costs_no_token():
    keys, own = KeyLimits(Clock()), Limits(per_minute=1, burst=2, concurrent=1)
    hold = keys.acquire("ann", own)
    refusal(keys, "ann", own)
    hold.release()
    keys.acquire("ann", own)


def test_a_key_whose_limits_change_has_the_new_ones_at_once():
    keys = KeyLimits(Clock())
    for _ in range(5):
        keys.acquire("ann", WIDE)
    assert refusal(keys, "ann", Limits(per_minute=60, burst=5, concurrent=5)).reason == "concurrency"


@settings(max_examples=30)
@given(st.lists(st.integers(0, 50), max_size=200), st.integers(1, 5))
def test_no_more_keys_are_remembered_than_may_be(names, most):
    clock = Clock()
    keys = KeyLimits(clock, most=most)
    for name in names:
        clock.now += 1.0
        keys.acquire(str(name), WIDE).release()
        assert len(keys) <= most


def test_a_key_with_a_running_request_is_not_forgotten_and_a_new_one_is_refused():
    keys = KeyLimits(Clock(), most=1)
    hold = keys.acquire("ann", WIDE)
    assert (refusal(keys, "bob", WIDE).status, len(keys)) == (503, 1)
    hold.release()
    keys.acquire("bob", WIDE)


def test_a_hold_gives_back_once():
    given_back = []
    hold = Hold(lambda: given_back.append("slot"))
    hold.release()
    hold.release()
    assert given_back == ["slot"]


@pytest.mark.parametrize(("seconds", "header"), [(0.01, "1"), (1.0, "1"), (1.01, "2"), (90.0, "90")])
def test_retry_after_is_whole_seconds_rounded_up(seconds, header):
    refused = Refused(429, seconds, "rate", "too many")
    assert refused.headers == {"Retry-After": header}
    assert str(refused) == f"too many; try again in {math.ceil(seconds)} s"


@pytest.mark.parametrize(
    "wrong", [{"per_minute": 0}, {"per_minute": math.inf}, {"per_minute": math.nan}, {"burst": 0}, {"concurrent": 0}]
)
def test_limits_that_let_nothing_in_are_refused(wrong):
    with pytest.raises(InputError, match="never gets an answer"):
        Limits(**wrong)
