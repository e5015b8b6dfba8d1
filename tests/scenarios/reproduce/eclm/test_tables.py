"""Each figure as it was measured, beside the paper's."""

from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.reproduce.cells import Cell
from scenarios.reproduce.eclm.tables import (
    clock_table,
    first_table,
    gain_table,
    main_table,
    nearest,
    schedule_table,
    size_table,
    smallest,
    strangers,
    submodel_table,
    variant_tables,
)
from scenarios.reproduce.found import Found
from scenarios.reproduce.measures import Result
from tests.scenarios.reproduce.eclm.fake import OTHER, ROW, by_name, found, result

VALUES = {"eclm": 0.9, "fedavg": 0.8, "noadaptation": 0.5}


@pytest.fixture
def made(tmp_path: Path) -> Found:
    return found(tmp_path, by_name(VALUES))


def lines(table: str, start: str) -> list[str]:
    return [one for one in table.splitlines() if one.startswith(f"| {start} |")]


def test_the_paper_stands_below_each_row(made: Found) -> None:
    table = main_table(made)
    (ours,) = lines(table, f"**{ROW}**")
    assert ours == (
        f"| **{ROW}** | 50.50 ± 0.71 | not run | not run | 80.50 ± 0.71 | not run | 90.50 ± 0.71 "
        "| +10.00 points, FedAvg |"
    )
    (theirs,) = lines(table, "paper: CIFAR10 / ResNet18, 5 classes")
    assert theirs.endswith("| 73.55 | 73.56 | 81.17 | 76.12 | 77.32 | 85.76 | +4.59 points, AdaptiveNet |")
    (absent,) = lines(table, "**watch, 1 subject**")
    assert absent.count("not run") == 7


def test_each_gain_has_its_test_and_the_rows_one_together(made: Found) -> None:
    """Both seeds differ alike, so p is 0; two rows of two seeds are four pairs."""
    table = gain_table(made)
    assert lines(table, ROW)[0].startswith(f"| {ROW} | +40.00 points, p < 0.001, Holm < 0.001 (n = 2) | not run |")
    assert "| +40.00 points, p < 0.001 (n = 4), by seed < 0.001 |" in lines(table, "mean over the rows")[0]


def test_what_devices_answer_with_at_first_and_how_long_all_jobs_take_are_told(made: Found) -> None:
    assert lines(first_table(made), ROW) == [
        f"| {ROW} | 10.00 ± 0.00 | not run | not run | 10.00 ± 0.00 | not run | 10.00 ± 0.00 |"
    ]
    assert lines(clock_table(made), ROW) == [f"| {ROW} | 10 | not run | not run | 10 | not run | 10 |"]


def test_rows_whose_methods_began_with_different_networks_are_named(tmp_path: Path) -> None:
    """Those that begin with the pretrained network as it is are as good at first, or it was not the same one."""

    def measured(cell: Cell, seed: int) -> Result | None:
        if cell.group != "table" or cell.setting != ROW or cell.name not in ("fedavg", "noadaptation", "eclm"):
            return None
        other = {"fleet": {"mean": {"accuracy": 0.11 if seed and cell.name == "fedavg" else 0.1}}}
        # Ours begins with modules.
        return replace(result(0.9), first={"fleet": {"mean": {"accuracy": 0.2}}} if cell.name == "eclm" else other)

    assert strangers(found(tmp_path, measured)) == [f"{ROW}, seed 1"]


def test_variants_have_their_difference_to_the_whole(tmp_path: Path) -> None:
    made = found(tmp_path, by_name({"whole": 0.9, "without cloud": 0.7}, "ablations", (ROW,)))
    values, gains = variant_tables(made, "ablations")
    for table, told in ((values, "70.50 ± 0.71"), (gains, "-20.00 points, p < 0.001, Holm < 0.001 (n = 2)")):
        row = [told if setting == ROW else "not run" for setting in made.settings("ablations")]
        assert lines(table, "without cloud") == [f"| without cloud | {' | '.join(row)} |"]
    assert lines(gains, "whole") == []
    assert lines(gains, "carrying offsets") == ["| carrying offsets | not run | the same runs | the same runs |"]


def test_sizes_are_those_that_devices_hold(tmp_path: Path) -> None:
    """On average a quarter of the memory, and of that a half and a quarter of compute and parameters."""
    made = found(tmp_path, by_name({"0.28": 0.6}, "sizes", (ROW,)))
    table = size_table(made, ROW)
    assert lines(table, "0.28") == ["| 0.28 | 60.50 ± 0.71 | 6.2 % | 25.0 % | 12.5 % | 100 B |"]
    assert lines(table, "0.5") == ["| 0.5 | not run | not run | not run | not run | not run |"]


def test_the_size_nearest_to_a_share_is_by_what_is_held(tmp_path: Path) -> None:
    """Of a largest sub-model of 1.6 of the memory, devices hold an eighth of that in parameters on average."""
    most = {"0.28": 1.6, "0.5": 3.2, "0.75": 3.6}

    def measured(cell: Cell, _: int) -> Result | None:
        if (cell.group, cell.setting) != ("sizes", ROW) or cell.name not in most:
            return None
        return result(0.7, most=most[cell.name])

    made = found(tmp_path, measured)
    assert nearest(made, ROW, 0.2) == ("0.28", pytest.approx(0.2))
    assert nearest(made, ROW, 0.35) == ("0.5", pytest.approx(0.4))
    assert nearest(made, OTHER, 0.2) is None


def test_every_figure_of_fewer_seeds_says_so(tmp_path: Path) -> None:
    values = {"sizes": "0.28", "schedules": "asynchronous", "table": "eclm"}

    def measured(cell: Cell, seed: int) -> Result | None:
        return result(0.8, 100.0) if seed == 0 and values.get(cell.group) == cell.name else None

    made = found(tmp_path, measured)
    (size,), (schedule,) = lines(size_table(made, ROW), "0.28"), lines(schedule_table(made, ROW), "asynchronous")
    (held,) = lines(submodel_table(made), ROW)
    assert [line.count("(1 of 2 seeds)") for line in (size, schedule, held)] == [5, 5, 3]


def test_the_lead_over_the_best_other_says_how_many_seeds_both_have(tmp_path: Path) -> None:
    measure = by_name(VALUES)
    made = found(tmp_path, lambda cell, seed: measure(cell, seed) if seed == 0 or cell.name == "eclm" else None)
    assert lines(main_table(made), f"**{ROW}**")[0].endswith("| +10.00 points, FedAvg (1 of 2 seeds) |")


def test_sub_models_are_told_from_the_largest_to_the_smallest(made: Found) -> None:
    assert lines(submodel_table(made), ROW) == [
        f"| {ROW} | 50.0 % / 25.0 % / 10.0 % | 25.0 % / 12.5 % / 5.0 % | 12.5 % / 6.2 % / 2.5 % |"
    ]
    assert smallest(made) == {ROW: 0.1, OTHER: 0.1}


def test_schedules_are_told_with_their_jobs_and_times(tmp_path: Path) -> None:
    def measured(cell: Cell, _: int) -> Result | None:
        return result(0.8) if (cell.group, cell.name, cell.setting) == ("schedules", "asynchronous", ROW) else None

    table = schedule_table(found(tmp_path, measured), ROW)
    assert lines(table, "asynchronous") == ["| asynchronous | 80.00 ± 0.00 | 10 | 40 | 10 | 0.5 |"]
    assert lines(table, "synchronous") == ["| synchronous | not run | not run | not run | not run | not run |"]
