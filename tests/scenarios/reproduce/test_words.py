"""How figures are written."""

import pytest

from scenarios.reproduce import words
from scenarios.reproduce.found import Comparison
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


def test_differences_have_a_sign() -> None:
    assert [words.percent(one) for one in (0.0544, -0.02, None)] == ["+5.44 %", "-2.00 %", "-"]


@pytest.mark.parametrize(
    ("p", "corrected", "text"),
    [
        (0.0123, 0.0369, "p = 0.012, Holm 0.037 (n = 25)"),
        (1e-6, 3e-6, "p < 0.001, Holm < 0.001 (n = 25)"),
        (None, None, "no test (n = 25)"),
    ],
)
def test_a_test_tells_both_chances_and_its_pairs(p: float | None, corrected: float | None, text: str) -> None:
    pair = Paired(25, 0.1, 0.2, p)
    assert (
        words.test(Comparison("rates", "rate 0.5", "personal", "rouge_lsum", "mlecs", "standalone", pair, corrected))
        == text
    )


def test_what_has_no_other_name_keeps_its_own() -> None:
    assert (words.method("fedilora"), words.method("mine")) == ("FediLoRA", "mine")
    assert (words.metric("macro_f1"), words.metric("accuracy")) == ("macro F1", "accuracy")
