"""What ours has more than others, and which tests are made."""

from pathlib import Path

import pytest

from scenarios.reproduce.eclm.gains import accuracy, against_first, against_others, best_other, hardest, pooled, same
from scenarios.reproduce.found import Found
from tests.scenarios.reproduce.eclm.fake import OTHER, ROW, by_name, found, result

VALUES = {"eclm": 0.9, "fedavg": 0.8, "heterofl": 0.6, "noadaptation": 0.5}


@pytest.fixture
def made(tmp_path: Path) -> Found:
    return found(tmp_path, by_name(VALUES))


def test_a_fleet_has_one_value_a_seed(made: Found) -> None:
    assert accuracy(made, "table", "fedavg", ROW) == {(0, "mean"): 0.8, (1, "mean"): pytest.approx(0.81)}
    assert accuracy(made, "table", "adaptivenet", ROW) == {}


def test_rows_are_pooled_where_all_methods_were_run(made: Found) -> None:
    both = pooled(made, ["fedavg", "heterofl"])
    assert both == pytest.approx({(0, ROW): 0.7, (1, ROW): 0.71, (0, OTHER): 0.7, (1, OTHER): 0.71})
    assert pooled(made, ["fedavg", "adaptivenet"]) == {}


def test_ours_is_held_against_each_other_and_the_best(made: Found) -> None:
    tests = against_others(made)
    assert set(tests) == {(row, name) for row in (ROW, OTHER) for name in VALUES if name != "eclm"}
    one = tests[ROW, "heterofl"]
    assert (one.pair.n, one.pair.difference) == (2, pytest.approx(0.3))
    assert best_other(made, ROW) == "fedavg"
    assert best_other(made, "watch, 1 subject") is None


def test_variants_are_held_against_the_first(tmp_path: Path) -> None:
    made = found(tmp_path, by_name({"whole": 0.9, "without cloud": 0.7}, "ablations"))
    tests = against_first(made, "ablations")
    assert set(tests) == {(row, "without cloud") for row in (ROW, OTHER)}
    assert tests[ROW, "without cloud"].pair.difference == pytest.approx(-0.2)
    # What is carried in the whole method is no variant of it.
    assert same(made, "ablations", "carrying offsets", ROW)
    assert not same(made, "ablations", "carrying all", ROW)
    assert same(made, "ablations", "carrying all", "watch, 1 subject")


def test_the_hardest_row_is_where_devices_that_do_not_adapt_do_worst(tmp_path: Path) -> None:
    bare = {ROW: 0.6, OTHER: 0.4, "emoji, 10 classes": 0.1}

    def measured(cell, _):
        if cell.group != "table" or cell.setting not in bare or cell.name not in ("eclm", "noadaptation"):
            return None
        # Ours was not run in the row that would be hardest.
        return result(bare[cell.setting]) if cell.name != "eclm" or cell.setting in (ROW, OTHER) else None

    assert hardest(found(tmp_path, measured)) == OTHER
    assert hardest(found(tmp_path, lambda *_: None)) is None
