"""``mlecs reproduce eclm``, from its options to its page."""

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from mlecs_ray.scenario.overrides import apply
from scenarios.reproduce.command import reproduce
from scenarios.reproduce.eclm import pooled, timings
from scenarios.reproduce.eclm.cost import MEASURES, WHOLE
from scenarios.reproduce.eclm.study import STUDY
from scenarios.reproduce.found import Found
from scenarios.reproduce.options import Options
from scenarios.reproduce.store import Made
from scenarios.reproduce.study import Beside, study_of
from tests.scenarios.reproduce.eclm.fake import result
from tests.scenarios.reproduce.fake import FakeRunner

DIGITS = apply(STUDY.base, {"data.name": "digits", "task.network": "mlp"})


def rounds(breaks: str = "") -> FakeRunner:
    """Every run comes to the same at once, but for those of ``breaks``."""
    return FakeRunner(lambda one: one.method.name == breaks, measured=lambda _: result(0.7, 100.0))


def _timed(found: Found, made: Made | None) -> None:
    row = dict.fromkeys(MEASURES, 1.0)
    timings.fill(found, made, lambda *_: {"1 module a layer": row, WHOLE: row})
    pooled.fill(found, made, lambda _: {rule: {pooled.METRIC: 0.9} for rule in (pooled.FREE, pooled.OWN)})


SMALL = replace(STUDY, base=DIGITS, beside=Beside(STUDY.beside.names, _timed))


def quick(out: Path, runner: FakeRunner, **more: bool) -> tuple[bool, str]:
    said = io.StringIO()
    console = Console(file=said, width=200)
    return reproduce(console, Options("eclm", quick=True, out=out, **more), runner, SMALL), said.getvalue()


def test_the_study_is_found_by_its_name() -> None:
    assert study_of("eclm") is STUDY


def test_the_first_call_runs_and_the_second_only_writes(tmp_path: Path) -> None:
    out, runner = tmp_path / "eclm.json", rounds()
    fine, said = quick(out, runner)
    assert fine
    assert "4 runs, 0 done; about 60 s for the others" in said
    assert "table: eclm, mnist10k, 5 classes, seed 0: 60 s" in said
    assert f"written: {tmp_path / 'eclm.md'}" in said
    page = (tmp_path / "eclm.md").read_text()
    assert "4 of 4 runs" in page
    assert "| 1 module a layer | 1000 ms (1.000) |" in page
    _, again = quick(out, runner)
    assert "4 runs, 4 done" in again
    assert len(runner.made) == 4


def test_a_run_that_fails_is_told_at_the_end(tmp_path: Path) -> None:
    fine, said = quick(tmp_path / "eclm.json", rounds("fedavg"))
    assert not fine
    assert said.splitlines()[-1] == "failed: table: fedavg, mnist10k, 5 classes, seed 0: fedavg broke"


def test_the_page_alone_neither_runs_nor_times(tmp_path: Path) -> None:
    runner = rounds()
    fine, _ = quick(tmp_path / "eclm.json", runner, page=True)
    assert (fine, runner.made) == (True, [])
    assert not (tmp_path / "eclm.json").exists()
    assert "Times: not run." in (tmp_path / "eclm.md").read_text()


def test_one_group_of_the_first_seeds_is_made(tmp_path: Path) -> None:
    runner, out = rounds(), tmp_path / "eclm.json"
    reproduce(Console(file=io.StringIO()), Options("eclm", only=("continuous",), seeds=2, out=out), runner, SMALL)
    assert len(runner.made) == 2 * 4 * 3
    assert {one["what"].split(":")[0] for one in json.loads(out.read_text())["runs"].values()} == {"continuous"}


def test_what_the_table_no_longer_asks_for_is_dropped_on_request(tmp_path: Path) -> None:
    out, said = tmp_path / "eclm.json", io.StringIO()
    quick(out, rounds())
    reproduce(Console(file=said, width=200), Options("eclm", out=out, page=True, prune=True), rounds(), SMALL)
    assert "dropped 4 runs" in said.getvalue()


@pytest.mark.slow
def test_a_quick_look_goes_all_the_way_to_a_page(tmp_path: Path) -> None:
    """Needs mnist10k."""
    out = tmp_path / "eclm.json"
    command = [sys.executable, "-m", "scenarios", "reproduce", "eclm", "--quick", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=dict(os.environ))
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "eclm.md").read_text()
    assert "4 of 4 runs" in page
    assert "| 1 module a layer |" in page
    assert "| mnist10k, 5 classes: phone-mid | 37.5 / 30.0 / 30.0 |" in page
    results = {one["what"]: one["result"] for one in json.loads(out.read_text())["runs"].values()}
    assert all(0 <= one["final"]["fleet"]["mean"]["accuracy"] <= 1 for one in results.values())
    ours, fedavg = (results[f"table: {name}, mnist10k, 5 classes"] for name in ("eclm", "fedavg"))
    assert 0 < ours["effort"]["sent"] < fedavg["effort"]["sent"] == fedavg["traffic"]["client"]
    assert {"most, phone-low", "most, phone-mid", "most, phone-high"} <= ours["final"]["submodels"].keys()
    assert 0 < ours["final"]["submodels"]["least"]["memory"] <= ours["final"]["submodels"]["most"]["memory"]
    assert {path.name for path in tmp_path.glob("*.svg")} == {"eclm-table.svg"}
