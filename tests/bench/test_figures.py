"""Medians, spreads and ratios by hand-made numbers."""

import math

import pytest

from bench.case import Case, Column, Contender, faster, figure, longer
from bench.figures import Spread, column_spread, figure_rows, number, spread, target_rows, target_spread

MS = Column("ms_per_update", "ms per update")
TURNS = [
    {"a": {"ms_per_update": 2.0}, "b": {"ms_per_update": 8.0}},
    {"a": {"ms_per_update": 1.0}, "b": {"ms_per_update": 3.0}},
    {"a": {"ms_per_update": 4.0}, "b": {"ms_per_update": 20.0}},
]


def case(*targets) -> Case:
    contenders = tuple(Contender(name, "x.py", {}) for name in ("a", "b", "absent"))
    return Case("c", "A case", "About it.", contenders, (MS,), targets)


def test_a_spread_is_the_median_between_the_ends():
    assert spread([5.0, 1.0, 2.0]) == Spread(2.0, 1.0, 5.0)
    assert spread([1.0, 2.0]) == Spread(1.5, 1.0, 2.0)


def test_what_is_no_number_was_not_measured():
    assert spread([math.nan, 3.0]) == Spread(3.0, 3.0, 3.0)
    assert spread([]) is None


def test_a_ratio_is_taken_within_each_turn_and_its_median_counts():
    """8/2, 3/1, 20/4: the median is 4; the ratio of the medians would be 8/2 = 4 too, its ends would not be 3 and 5."""
    assert target_spread(TURNS, faster("a", "b", 3.5)) == Spread(4.0, 3.0, 5.0)
    assert target_spread(TURNS, longer("b", "a", 3.5)) == Spread(4.0, 3.0, 5.0)


def test_a_target_is_reached_from_its_own_side():
    rows = target_rows(case(faster("a", "b", 4.0), faster("a", "b", 4.1), longer("b", "a", 4.0)), TURNS)
    assert [row[1:] for row in rows] == [
        ["≥ 4 x", "4 (3..5)", "yes"],
        ["≥ 4.1 x", "4 (3..5)", "no"],
        ["≤ 4 x", "4 (3..5)", "yes"],
    ]


def test_who_was_left_out_has_no_row_and_no_verdict():
    found = case(faster("a", "absent", 2.0), figure("absent", MS, 1.0, False, "ms"))
    assert [row[0] for row in figure_rows(found, TURNS)] == ["a", "b"]
    assert [row[2:] for row in target_rows(found, TURNS)] == [["-", "-"], ["-", "-"]]


def test_a_figure_is_judged_in_the_unit_of_its_title():
    """1.5e9 bytes are 1.5 GB."""
    gigabytes = Column("pss_bytes", "memory, GB", ".3g", 1e-9)
    turns = [{"a": {"pss_bytes": 1.5e9}}]
    assert column_spread(turns, "a", gigabytes) == Spread(1.5, 1.5, 1.5)
    assert target_rows(case(figure("a", gigabytes, 2.0, False, "GB")), turns)[0][2:] == ["1.5", "yes"]


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [(12345.0, ".3g", "12,300"), (0.1234, ".3g", "0.123"), (20345.6, ",.0f", "20,346"), (3.0, ".3f", "3.000")],
)
def test_numbers_have_no_powers_of_ten(value, form, text):
    assert number(value, form) == text
