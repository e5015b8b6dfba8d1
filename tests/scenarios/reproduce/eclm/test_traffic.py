"""What is moved, a job and until a quality is reached."""

from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.reproduce.cells import Cell
from scenarios.reproduce.eclm.traffic import final, job_table, ratio, ratios, until, until_table
from scenarios.reproduce.found import Found
from scenarios.reproduce.measures import Result
from tests.scenarios.reproduce.eclm.fake import OTHER, ROW, found, result

MOVED = {"fedavg": 800.0, "heterofl": 300.0, "eclm": 100.0}
FINAL = {"fedavg": 0.5, "heterofl": 0.4, "eclm": 0.9}


def measured(cell: Cell, _: int) -> Result | None:
    """In the second row ours moves as much as FedAvg."""
    if cell.group != "table" or cell.name not in MOVED or cell.setting not in (ROW, OTHER):
        return None
    return result(FINAL[cell.name], MOVED["fedavg" if cell.setting == OTHER else cell.name])


@pytest.fixture
def made(tmp_path: Path) -> Found:
    return found(tmp_path, measured)


def line(table: str, start: str) -> str:
    return next(one for one in table.splitlines() if one.startswith(f"| {start} |"))


def test_a_job_is_counted_both_ways(made: Found) -> None:
    assert line(job_table(made), ROW) == f"| {ROW} | 1.6 kB | 600 B | 200 B | 8.00 x | 3.00 x |"
    assert ratio(made, ROW, "fedavg") == 8.0
    assert ratio(made, "watch, 1 subject", "fedavg") is None


def test_rows_are_averaged_and_the_best_is_told(made: Found) -> None:
    assert ratios(made, "fedavg") == [8.0, 1.0]
    few = "(2 of 7 rows)"
    assert line(job_table(made), "mean") == f"| mean |  |  |  | 4.50 x {few} | 2.00 x {few} |"
    assert line(job_table(made), "best") == f"| best |  |  |  | 8.00 x {few} | 3.00 x {few} |"


def test_bytes_are_counted_until_a_level_is_first_measured() -> None:
    """0.1, 0.5, 0.9 after 0, 1,000 and 2,000 bytes."""
    one = result(0.9, 100.0)
    assert [until(one, level) for level in (0.05, 0.2, 0.5, 0.6, 0.95)] == [0.0, 1000.0, 1000.0, 2000.0, None]


def test_who_reaches_it_earlier_has_moved_less(made: Found) -> None:
    """FedAvg's mean of 0.1, 0.3 and 0.5 comes after 8,000 bytes, ours is there after 1,000, HeteroFL in the end."""
    assert line(until_table(made), ROW) == f"| {ROW} | 30.00 % | 8 kB | 6 kB | 1 kB | 8.00 x | 6.00 x |"
    assert line(until_table(made), "watch, 1 subject").count("not run") == 6


def test_one_last_point_that_swings_moves_no_level(tmp_path: Path) -> None:
    """FedAvg is at 0.6, 0.6 and then 0.3: its mean is 0.5, which a mean of the last point alone would halve."""
    curve = [(0.0, 0.1), (1.0, 0.6), (2.0, 0.6), (3.0, 0.3)]
    swinging = replace(result(0.3, 100.0), curve=curve, spent=[0.0, 1000.0, 2000.0, 3000.0])
    assert final(swinging) == pytest.approx(0.5)
    made = found(tmp_path, lambda cell, _: swinging if (cell.name, cell.setting) == ("fedavg", ROW) else None)
    assert "| 50.00 % | 1 kB |" in line(until_table(made), ROW)


def test_a_curve_that_stays_is_at_its_own_level() -> None:
    """Three times 0.7 sum up to a little more than 2.1."""
    flat = replace(result(0.7), curve=[(0.0, 0.1), *((float(n), 0.7) for n in range(1, 4))], spent=[0.0, 1.0, 2.0, 3.0])
    assert until(flat, final(flat) + 1e-12) == 1.0


def test_figures_of_fewer_seeds_say_so(made: Found, tmp_path: Path) -> None:
    some = found(tmp_path / "some", lambda cell, seed: measured(cell, seed) if seed == 0 else None)
    assert line(job_table(some), ROW).count("(1 of 2 seeds)") == 5
    assert line(until_table(some), ROW).count("(1 of 2 seeds)") == 6
    assert "seeds)" not in line(job_table(made), ROW)


def both(final: dict[str, float], tmp_path: Path, begin: float = 0.1) -> Found:
    """Ours begins there, FedAvg at 0.1."""

    def measured(cell: Cell, _: int) -> Result | None:
        if cell.name not in final or cell.setting != ROW:
            return None
        one = result(final[cell.name], 100.0)
        return replace(one, curve=[(0.0, begin if cell.name == "eclm" else 0.1), *one.curve[1:]])

    return found(tmp_path, measured)


def test_who_was_there_from_the_start_moved_nothing(tmp_path: Path) -> None:
    """FedAvg's mean of 0.1, 0.2 and 0.3 is where ours begins."""
    made = both({"fedavg": 0.3, "eclm": 0.9}, tmp_path, 0.2)
    assert line(until_table(made), ROW) == f"| {ROW} | 20.00 % | 1 kB | not run | 0 B | at once | - |"


@pytest.mark.parametrize(("last", "level"), [(0.1, "10.00"), (0.05, "7.50")])
def test_a_fedavg_that_learns_nothing_sets_no_level(tmp_path: Path, last: float, level: str) -> None:
    """0.1, then half way to its last: its mean is no better than its first."""
    made = both({"fedavg": last, "eclm": 0.9}, tmp_path)
    told = f"{level} %: no better than before the first job"
    assert line(until_table(made), ROW) == f"| {ROW} | {told} | - | - | - | - | - |"


def test_seeds_in_which_fedavg_learns_nothing_are_left_out(tmp_path: Path) -> None:
    def some(cell: Cell, seed: int) -> Result | None:
        if cell.group != "table" or cell.setting != ROW or cell.name not in ("fedavg", "eclm"):
            return None
        return result(0.9 if cell.name == "eclm" else (0.5, 0.1)[seed], 100.0)

    some_of = "(1 of 2 seeds)"
    assert line(until_table(found(tmp_path, some)), ROW) == (
        f"| {ROW} | 30.00 % {some_of}; else no better than before the first job | 1 kB {some_of} | not run "
        f"| 1 kB {some_of} | 1.00 x {some_of} | - |"
    )


def test_seeds_that_never_come_so_far_are_told(tmp_path: Path) -> None:
    def some(cell: Cell, seed: int) -> Result | None:
        if cell.group != "table" or cell.setting != ROW or cell.name not in ("fedavg", "eclm"):
            return None
        return result(0.5 if cell.name == "fedavg" else (0.5, 0.2)[seed], 100.0)

    assert "| 1 kB, reached in 1 of 2 | 1.00 x (1 of 2 seeds) | - |" in line(until_table(found(tmp_path, some)), ROW)
