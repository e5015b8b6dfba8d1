"""Cells are places of a table."""

from scenarios.reproduce.cells import Cell, only

CELLS = [Cell(group, "mlecs", "rate 0.7", {}) for group in ("rates", "merges", "clock")]


def test_a_cell_is_named_as_a_person_would_point_to_it() -> None:
    assert CELLS[0].what == "rates: mlecs, rate 0.7"


def test_a_group_can_be_picked() -> None:
    assert only(CELLS, ["clock", "merges"]) == CELLS[1:]
    assert only(CELLS, []) == CELLS
