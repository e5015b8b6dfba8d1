"""Numbers that can be checked by hand."""

import math

import pytest

from scenarios.reproduce.statistics import best, by_seed, holm, paired, relative, spread

OURS = {(0, "0"): 2.0, (0, "1"): 4.0, (1, "0"): 6.0}
THEIRS = {(0, "0"): 1.0, (0, "1"): 2.0, (1, "0"): 3.0}


def test_clients_are_averaged_before_seeds() -> None:
    """Seeds: 3 and 6; their mean is 4.5, their deviation 3 / sqrt 2."""
    assert by_seed(OURS) == {0: 3.0, 1: 6.0}
    found = spread(OURS)
    assert found is not None
    assert (found.mean, found.sd, found.seeds) == (4.5, pytest.approx(3 / math.sqrt(2)), 2)


def test_one_seed_has_no_deviation_and_none_no_mean() -> None:
    one = spread({(0, "0"): 2.0})
    assert one is not None
    assert one.sd is None
    assert spread({}) is None


def test_seeds_that_one_side_lacks_are_in_no_relative_difference() -> None:
    """Folds differ in how hard they are: on seed 0, which both have, 3 is half as much again as 2."""
    assert relative({(0, "0"): 3.0}, {(0, "0"): 2.0, (1, "0"): 9.0}) == pytest.approx(0.5)
    assert relative({(0, "0"): 3.0}, {(1, "0"): 2.0}) is None


def test_a_relative_difference_is_a_share_of_theirs() -> None:
    assert relative(OURS, THEIRS) == pytest.approx(1.0)
    assert relative(OURS, {}) is None
    assert relative(OURS, {(0, "0"): 0.0}) is None


def test_pairs_that_differ_by_1_2_3() -> None:
    """t = 2 / (1 / sqrt 3) = 3.464 with 2 degrees of freedom: p = 1 - t / sqrt(t^2 + 2) = 0.0742."""
    found = paired(OURS, THEIRS)
    assert found is not None
    assert (found.n, found.difference, found.relative) == (3, 2.0, pytest.approx(1.0))
    assert found.p == pytest.approx(1 - math.sqrt(12 / 14), abs=1e-9)


def test_seeds_are_tested_by_their_means() -> None:
    """Their differences are 1.5 and 3: t = 2.25 / 0.75 = 3 with 1 degree of freedom, p = 1 - 2 / pi atan 3 = 0.2048."""
    found = paired(OURS, THEIRS)
    assert found is not None
    assert (found.seeds, found.p_seeds) == (2, pytest.approx(1 - 2 / math.pi * math.atan(3)))
    one = paired({(0, "0"): 2.0, (0, "1"): 4.0}, THEIRS)
    assert one is not None
    assert (one.seeds, one.p_seeds) == (1, None)


def test_only_what_both_have_is_paired() -> None:
    found = paired(OURS, {(0, "0"): 1.0, (7, "0"): 9.0})
    assert found is not None
    assert (found.n, found.p) == (1, None)
    assert paired(OURS, {(7, "0"): 9.0}) is None


def test_pairs_that_all_differ_alike_need_no_test() -> None:
    same, above = paired(OURS, OURS), paired({pair: value + 1 for pair, value in OURS.items()}, OURS)
    assert same is not None
    assert above is not None
    assert (same.p, above.p) == (1.0, 0.0)


def test_the_other_may_be_zero() -> None:
    found = paired(OURS, dict.fromkeys(OURS, 0.0))
    assert found is not None
    assert (found.difference, found.relative) == (4.0, None)


def test_the_best_is_best_where_ours_was_measured() -> None:
    """In seed 1, where ours was not, the second is far ahead."""
    ours = {(0, "0"): 1.0}
    candidates = {"a": {(0, "0"): 0.5, (1, "0"): 0.5}, "b": {(0, "0"): 0.4, (1, "0"): 9.0}, "c": {}}
    assert best(candidates, ours) == "a"
    assert best({"c": {}}, ours) is None


def test_holm_steps_down() -> None:
    """Sorted 0.01, 0.03, 0.04 times 3, 2, 1: 0.03, 0.06, and 0.04 may not fall below 0.06."""
    assert holm([0.01, 0.04, None, 0.03]) == [pytest.approx(0.03), pytest.approx(0.06), None, pytest.approx(0.06)]
    assert holm([0.7, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
