"""Curves and bands by hand."""

import numpy as np
import pandas as pd

from mlecs_ray.report.curves import Curve, band, curve, quantiles

COLUMNS = ["seconds", "version", "scope", "subject", "metric", "value", "samples"]


def metrics(*rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS)


def test_subjects_weigh_by_their_samples() -> None:
    """(0.2 * 10 + 0.8 * 30) / 40 = 0.65."""
    rows = metrics((0.0, 0, "global", "a", "acc", 0.2, 10), (0.0, 0, "global", "b", "acc", 0.8, 30))
    assert curve(rows, "acc").values.tolist() == [0.65]


def test_the_global_scope_judges_a_run_that_measured_several() -> None:
    rows = metrics((0.0, 0, "client", "1", "acc", 0.9, 1), (5.0, 0, "global", "", "acc", 0.4, 1))
    assert curve(rows, "acc").final == 0.4


def test_the_fleet_judges_a_run_that_measured_it() -> None:
    rows = metrics((5.0, 0, "global", "", "acc", 0.4, 1), (5.0, 0, "fleet", "mean", "acc", 0.7, 8))
    assert curve(rows, "acc").final == 0.7


def test_clients_judge_a_run_that_measured_nothing_else() -> None:
    rows = metrics((5.0, 0, "client", "1", "acc", 0.9, 1), (5.0, 0, "client", "2", "acc", 0.7, 1))
    assert curve(rows, "acc").final == 0.8


def test_values_that_are_no_number_are_left_out() -> None:
    rows = metrics((0.0, 0, "global", "", "acc", 0.4, 1), (5.0, 0, "global", "", "acc", float("nan"), 1))
    assert curve(rows, "acc").final == 0.4


def test_a_metric_never_measured_is_an_empty_curve() -> None:
    assert curve(metrics(), "acc").final is None


def test_a_band_draws_seeds_out_to_common_times() -> None:
    """Both cover 0..10; the second is 0.5 at 5 s, half-way from 0 to 1."""
    one = Curve(np.array([0.0, 5.0, 10.0]), np.array([0.0, 0.1, 0.4]))
    other = Curve(np.array([0.0, 10.0, 20.0]), np.array([0.0, 1.0, 9.0]))
    result = band([one, other])
    assert result.seconds.tolist() == [0.0, 5.0, 10.0]
    assert result.mean.tolist() == [0.0, 0.3, 0.7]
    assert result.low.tolist() == [0.0, 0.1, 0.4]
    assert result.high.tolist() == [0.0, 0.5, 1.0]


def test_a_band_of_nothing_is_empty() -> None:
    assert len(band([Curve(np.empty(0), np.empty(0))]).seconds) == 0


def test_quantiles_hold_most_subjects() -> None:
    """Values 0, 0.1 .. 1: the linear 10 % and 90 % quantiles are 0.1 and 0.9."""
    rows = metrics(*((0.0, 0, "client", str(n), "acc", n / 10, 1) for n in range(11)))
    result = quantiles(rows)
    np.testing.assert_allclose([result.low[0], result.mean[0], result.high[0]], [0.1, 0.5, 0.9])
