"""How long each schedule takes to what the synchronous one has in the end."""

from dataclasses import replace
from pathlib import Path

from scenarios.reproduce.cells import Cell
from scenarios.reproduce.clock import bands, times
from scenarios.reproduce.measures import Result
from tests.scenarios.reproduce.fake import found, result

CURVES = {
    "synchronous": [(0.0, 0.1), (10.0, 0.2), (20.0, 0.3)],
    "asynchronous": [(0.0, 0.1), (5.0, 0.3), (10.0, 0.4)],
}


def measured(cell: Cell, seed: int) -> Result | None:
    """Seed 1 is twice as slow; nobody had a buffer."""
    if cell.group != "clock" or cell.name not in CURVES:
        return None
    curve = [(seconds * (1 + seed), value) for seconds, value in CURVES[cell.name]]
    return replace(result({"0": 0.3}), curve=curve)


def test_time_is_told_against_the_synchronous_schedule_seed_by_seed(tmp_path: Path) -> None:
    """20 and 40 s against 5 and 10 s."""
    lines = times(found(tmp_path, measured), "clock").splitlines()
    assert lines[2:] == [
        "| synchronous | 2 of 2 | 30 ± 14 s | 1.00 x |",
        "| asynchronous | 2 of 2 | 7.5 ± 3.5 s | 4.00 x |",
        "| buffers of 2 | 0 of 0 | not run | - |",
    ]


def test_only_what_was_run_is_drawn(tmp_path: Path) -> None:
    drawn = bands(found(tmp_path, measured), "clock")
    assert list(drawn) == ["synchronous", "asynchronous"]
    assert drawn["synchronous"].seconds.tolist() == [0.0, 10.0, 20.0]
