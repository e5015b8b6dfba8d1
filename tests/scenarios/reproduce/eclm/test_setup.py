"""What the table is made of."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.reproduce.eclm import cells
from scenarios.reproduce.eclm.cells import table
from scenarios.reproduce.eclm.rows import LEAST, LEVELS, ROWS
from scenarios.reproduce.eclm.setup import AS_ABOVE, setup
from scenarios.reproduce.found import Found
from tests.scenarios.reproduce.eclm.fake import BASE, ROW, by_name, found

WATCH = next(iter(ROWS))


@pytest.fixture
def made(tmp_path: Path) -> Found:
    return found(tmp_path, by_name({"eclm": 0.9}, settings=(ROW,)))


def lines(found: Found) -> Iterator[str]:
    return (line for part in setup(found) for line in part.splitlines())


def row(found: Found, start: str) -> str:
    return next(line for line in lines(found) if line.startswith(f"| {start} |"))


def test_the_set_up_says_what_a_row_is_made_of(made: Found) -> None:
    said = row(made, ROW)
    assert "| `mnist10k`, public" in said
    assert "resnet [16, 32, 64, 128], 1 kB" in said
    assert "5 classes; one of 2 sets" in said
    assert said.endswith(f"| {AS_ABOVE} |")


def test_what_most_have_is_told_once(made: Found) -> None:
    assert "3 epochs of batches of 16, adamw, learning rate 0.002, decayed to 0 within each job" in row(made, "a job")
    assert row(made, "jobs") == "| jobs | 2 of a device, mean |"
    ours = row(made, "options of ECLM")
    assert ours.startswith("| options of ECLM | modules 16, ratio 0.125, ")
    assert f"least {LEAST}, personal offset, " in ours
    assert not [line for line in lines(made) if line.startswith("| options of FedAvg")]


def test_a_row_names_who_has_other_options_in_it(made: Found) -> None:
    assert row(made, WATCH).endswith("| ECLM: personal whole, few 1 |")


def test_who_trains_otherwise_or_has_options_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"fedavg": {"local.lr": 3e-4, "local.anneal": False}, "eclm": {"method.options.top": 4}}
    monkeypatch.setattr(cells, "OWN", own)
    made = replace(found(tmp_path, by_name({})), cells=table(BASE))
    assert row(made, ROW).endswith("| FedAvg: 3 epochs of batches of 16, adamw, learning rate 0.0003 |")
    assert "top 4, " in row(made, "options of ECLM")


def test_long_lists_of_options_are_told_by_their_ends(made: Found) -> None:
    assert f"least {LEAST}, levels {len(LEVELS)} from {LEVELS[-1]} to 1" in row(made, "options of HeteroFL")
