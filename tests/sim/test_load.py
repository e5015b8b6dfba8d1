"""Background load: how much slower, how often, and constant within a period."""

import math

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.seeds import uniform
from mlecs_ray.sim.load import Bursty, CoRunning, Idle, Processes


def test_an_idle_device_is_as_fast_as_it_can_be():
    assert Idle().factor(3, 1e6) == 1.0


def test_training_gets_its_fair_part_of_the_processor():
    assert [CoRunning(n).factor(0, 0.0) for n in (1, 2, 3, 4)] == [2.0, 3.0, 4.0, 5.0]


def test_a_burst_lasts_a_whole_period():
    load = Bursty(share=0.5, slowdown=3.0, period=10.0, seed=1)
    for start in range(0, 200, 10):
        assert len({load.factor(4, start + d) for d in (0.0, 3.3, 9.999)}) == 1


def test_bursts_are_as_frequent_as_the_share_says():
    """4,000 draws at 0.25 have a standard deviation of 0.0068."""
    load = Bursty(share=0.25, slowdown=3.0, period=10.0, seed=1)
    factors = [load.factor(c, 10.0 * k) for c in range(40) for k in range(100)]
    assert set(factors) == {1.0, 3.0}
    assert factors.count(3.0) / 4000 == pytest.approx(0.25, abs=0.03)


def test_as_many_other_processes_run_as_are_drawn_for_a_client_and_a_period():
    """With at most 4 a draw u of [0, 1) means floor(5 u) others: .01 none, .87 four, .31 one, and each lasts."""
    load, draws = Processes(4, period=10.0, seed=1), [uniform(1, "load", 2, k) for k in range(6)]
    assert [round(draw, 2) for draw in draws] == [0.01, 0.87, 0.9, 0.31, 0.89, 0.23]
    for within in (0.0, 9.999):
        assert [load.factor(2, 10.0 * k + within) for k in range(6)] == [1.0, 5.0, 5.0, 2.0, 5.0, 2.0]


def test_at_least_so_many_processes_run():
    """1 to 4 as likely: floor(4 u) more than one, by the draws above."""
    load = Processes(4, period=10.0, seed=1, fewest=1)
    assert [load.factor(2, 10.0 * k) for k in range(6)] == [2.0, 5.0, 5.0, 3.0, 5.0, 2.0]


@pytest.mark.parametrize("most", [1, 2, 3, 4])
def test_every_number_of_other_processes_is_as_likely(most):
    """4,000 draws of m + 1 values: a share of 1 / (m + 1) each, with a standard deviation of at most 0.008."""
    load = Processes(most, 10.0, 1)
    factors = [load.factor(c, 10.0 * k) for c in range(40) for k in range(100)]
    assert set(factors) == {1.0 + n for n in range(most + 1)}
    assert [factors.count(f) / 4000 for f in sorted(set(factors))] == pytest.approx(
        [1 / (most + 1)] * (most + 1), abs=0.03
    )


@pytest.mark.parametrize(("share", "factor"), [(0.0, 1.0), (1.0, 2.5)])
def test_the_extremes_are_never_and_always(share, factor):
    assert {Bursty(share, 2.5).factor(c, 600.0 * c) for c in range(50)} == {factor}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Bursty(1.1, 2.0), r"share=1.1 must lie in \[0, 1\]"),
        (lambda: Bursty(0.5, 0.5), r"slowdown=0.5 must be finite and >= 1, or load would speed"),
        (lambda: Bursty(0.5, math.inf), r"slowdown=inf must be finite"),
        (lambda: Bursty(0.5, 2.0, 0.0), r"period=0.0 must be finite and > 0"),
        (lambda: CoRunning(5), r"processes=5 must lie in 1..4"),
        (lambda: Processes(5), r"most=5 must lie in 1..4, or fair sharing"),
        (lambda: Processes(0), r"most=0 must lie in 1..4"),
        (lambda: Processes(2, fewest=3), r"fewest=3 must lie in 0..most=2"),
        (lambda: Processes(2, 0.0), r"period=0.0 must be finite and > 0, or the number"),
    ],
)
def test_figures_without_a_meaning_are_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()
