"""Figures of serving, by hand."""

from bench.serving.figures import Found, at_least, at_most, median, none, percentile
from bench.serving.page import page


def test_medians_have_their_spread() -> None:
    assert median("x", [3.0, 1.0, 2.0], "ms").shown() == "2 ms (1 to 3)"


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(i) for i in range(1, 101)]
    assert percentile(values, 0.99) == 99
    assert percentile(values, 0.5) == 50
    assert percentile([7.0], 0.99) == 7


def test_goals_say_whether_they_are_reached() -> None:
    assert at_least("a", 3.0, 3.0).reached
    assert not at_most("b", 5.1, 5.0, "ms").reached
    assert none("c", 0, 1000).found == "0 of 1,000"


def test_the_page_says_what_fell_short() -> None:
    found = Found("Case", "About it.", (median("x", [1.0]),), (at_least("y", 1.0, 2.0),))
    text = page("mlecs bench serve", "mlecs run stamps", "20-abc", [found])
    assert "| Case | y at least 2 x | 1 x | **no** |" in text
    assert "## Case" in text
