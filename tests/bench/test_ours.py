"""The steady part of a run, from what was seen of it."""

import pytest

from bench.cases.engine import ours
from bench.ours import Leg, measure, steady
from mlecs_ray.run.progress import Progress, Stage


def moment(seconds: float, updates: int, stage: Stage = "running") -> Progress:
    return Progress(stage, real_seconds=seconds, merges=updates // 10, updates=updates)


def test_the_first_round_and_the_end_are_left_out():
    """From (2 s, 15) to (5 s, 45): 3 s for 30 updates, 100 ms each."""
    seen = [
        moment(1, 5),
        moment(2, 15),
        moment(4, 30),
        moment(5, 45),
        moment(9, 50, "finishing"),
        moment(9, 50, "done"),
    ]
    assert steady(seen) == Leg(3.0, 30)
    assert steady(seen).ms_per_update == pytest.approx(100.0)


def test_waiting_after_the_last_update_that_was_seen_does_not_count():
    seen = [moment(2, 10), moment(4, 20), moment(6, 20), moment(8, 30, "done")]
    assert steady(seen) == Leg(2.0, 10)


def test_a_run_that_was_over_too_soon_counts_whole():
    assert steady([moment(0.1, 0, "starting"), moment(0.5, 50, "done")]) == Leg(0.5, 50)
    assert steady([moment(0.3, 20), moment(0.5, 50, "done")]) == Leg(0.5, 50)


def test_a_measurement_has_all_columns_of_its_case():
    order = {"seed": 1, **ours("x", 3, 2).order}
    found = measure(order)
    assert found.keys() == {"ms_per_update", "control", "rounds", "accuracy", "events_per_second"}
    assert found["rounds"] == 3
    assert found["ms_per_update"] > 0
