"""A page stands beside its results, and says how they came about."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.reproduce.cells import Cell
from scenarios.reproduce.found import Found
from scenarios.reproduce.measures import Result
from scenarios.reproduce.mlecs.study import STUDY
from scenarios.reproduce.page import runs, write
from scenarios.reproduce.store import Record
from scenarios.reproduce.study import Facts
from tests.scenarios.reproduce.fake import MADE, found, result

FACTS = Facts("mlecs reproduce mlecs --jobs 2", "2026-01-01")


def some(cell: Cell, _: int) -> Result | None:
    """Two methods, at one rate and on unlike devices."""
    there = cell.name in ("mlecs", "standalone") and cell.setting in ("rate 0.5", "unlike devices")
    return result({"0": 0.5}) if there else None


@pytest.fixture
def made(tmp_path: Path) -> Found:
    return found(tmp_path, some)


def said(made: Found) -> str:
    return "\n".join(runs(made, FACTS))


def test_runs_are_counted_and_failures_named(made: Found) -> None:
    cell = made.cell("rates", "fedmllm", "rate 0.5")
    assert cell is not None
    made.store.runs[made.digests(cell)[0]] = Record(cell.what, 0, 0.0, MADE, error="out of memory")
    page = said(made)
    assert re.search(
        r"^\d+ of \d+ runs, 0\.\d\d hours of one core in all; `mlecs reproduce mlecs --jobs 2`", page, re.M
    )
    assert "on 2 cores; torch 2; source not recorded." in page
    assert "Failed: rates: fedmllm, rate 0.5, seed 0: out of memory" in page


def test_runs_of_two_sources_are_told_apart_by_their_rows(made: Found) -> None:
    assert said(made).endswith("; source not recorded.")
    cell = made.cell("rates", "standalone", "rate 0.5")
    assert cell is not None
    key = made.digests(cell)[0]
    made.store.runs[key] = replace(made.store.runs[key], made=replace(MADE, source="source 1234"))
    assert re.search(r"^1 on 2 cores; torch 2; source 1234: rates \(Standalone\)\.$", said(made), re.M)
    assert re.search(r"; source not recorded: rates \(ML-ECS, Standalone\); unlike", said(made), re.M)


def test_the_page_is_written_beside_the_results_with_its_plots(made: Found, tmp_path: Path) -> None:
    told: dict[str, str] = {}

    def text(_: Found, facts: Facts, plots: dict[str, str]) -> str:
        told.update(plots)
        return facts.command

    study = replace(STUDY, text=text, figures=lambda _: {"rates": "<svg/>"})
    page = write(study, made, FACTS)
    assert (page, page.read_text()) == (tmp_path / "mlecs.md", FACTS.command)
    assert told == {"rates": "mlecs-rates.svg"}
    assert (tmp_path / "mlecs-rates.svg").read_text() == "<svg/>"


def test_many_states_of_the_code_are_told_by_the_machine(made: Found) -> None:
    for number, key in enumerate(made.store.runs):
        record = made.store.runs[key]
        made.store.runs[key] = replace(record, made=replace(MADE, source=f"source {min(number, 5)}"))
    total = len(made.store.runs)
    listed = ", ".join([*(f"1 by source {number}" for number in range(5)), f"{total - 5} by source 5"])
    assert said(made).endswith(f"{total} on 2 cores; torch 2; as the code changed in between, {listed}.")
