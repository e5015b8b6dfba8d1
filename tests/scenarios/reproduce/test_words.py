"""How figures are written."""

import pytest

from scenarios.reproduce import words
from scenarios.reproduce.statistics import Paired, Spread


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (None, "not run"),
        (Spread(0.31234, 0.0123, 5), "0.312 ± 0.012"),
        (Spread(0.31234, None, 1), "0.312 (1 of 5 seeds)"),
        (Spread(0.31234, 0.0123, 3), "0.312 ± 0.012 (3 of 5 seeds)"),
    ],
)
def test_a_mean_says_over_how_many_seeds_where_some_are_missing(found: Spread | None, text: str) -> None:
    assert words.value(found, 5) == text


def test_accuracies_are_told_in_hundredths() -> None:
    assert words.hundredths(Spread(0.90861, 0.0123, 3), 3) == "90.86 ± 1.23"
    assert words.hundredths(Spread(0.90861, None, 1), 3) == "90.86 (1 of 3 seeds)"
    assert words.hundredths(None) == "not run"
    assert words.points(-0.0365) == "-3.65 points"


def test_a_test_that_is_alone_is_not_corrected() -> None:
    assert words.plain_test(Paired(3, 0.1, 0.2, 0.0123, 3, 0.0123)) == "p = 0.012 (n = 3)"
    assert words.plain_test(Paired(21, 0.1, 0.2, 1e-6, 3, 0.02)) == "p < 0.001 (n = 21), by seed 0.020"
    assert words.plain_test(Paired(1, 0.1, 0.2, None, 1, None)) == "no test (n = 1)"


def test_differences_have_a_sign() -> None:
    assert [words.percent(one) for one in (0.0544, -0.02, None)] == ["+5.44 %", "-2.00 %", "-"]


@pytest.mark.parametrize(
    ("pair", "corrected", "text"),
    [
        (Paired(25, 0.1, 0.2, 0.0123, 25, 0.0123), 0.0369, "p = 0.012, Holm 0.037 (n = 25)"),
        (Paired(25, 0.1, 0.2, 1e-6, 5, 1e-4), 3e-6, "p < 0.001, Holm < 0.001 (n = 25), by seed < 0.001"),
        (Paired(25, 0.1, 0.2, 0.0123, 5, 0.09), 0.0369, "p = 0.012, Holm 0.037 (n = 25), by seed 0.090"),
        (Paired(3, 0.1, 0.2, 0.2, 1, None), 0.4, "p = 0.200, Holm 0.400 (n = 3)"),
        (Paired(1, 0.1, 0.2, None, 1, None), None, "no test (n = 1)"),
    ],
)
def test_a_test_tells_its_chances_and_its_pairs(pair: Paired, corrected: float | None, text: str) -> None:
    assert words.test(pair, corrected) == text


def test_what_has_no_other_name_keeps_its_own() -> None:
    assert (words.method("fedilora"), words.method("mine")) == ("FediLoRA", "mine")
    assert (words.metric("macro_f1"), words.metric("accuracy")) == ("macro F1", "accuracy")
