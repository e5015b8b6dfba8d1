"""``mlecs reproduce``, from its options to its page."""

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from mlecs_ray.errors import InputError
from scenarios.reproduce.command import reproduce
from scenarios.reproduce.mlecs.study import STUDY
from scenarios.reproduce.options import Options
from scenarios.reproduce.store import Record, Store
from tests.scenarios.conftest import Mlecs, assert_refused
from tests.scenarios.reproduce.fake import MADE, FakeRunner, result
from tests.small import small_scenario

SMALL = replace(STUDY, base=small_scenario())


def quick(out: Path, runner: FakeRunner, **more: bool) -> tuple[bool, str]:
    said = io.StringIO()
    console = Console(file=said, width=200)
    return reproduce(console, Options("mlecs", quick=True, out=out, **more), runner, SMALL), said.getvalue()


def test_the_first_call_runs_and_the_second_only_writes(tmp_path: Path) -> None:
    out, runner = tmp_path / "mlecs.json", FakeRunner()
    fine, said = quick(out, runner)
    assert fine
    assert "3 runs, 0 done; about 4 min for the others" in said
    assert "rates: mlecs, rate 0.7, seed 0: 60 s" in said
    assert f"written: {tmp_path / 'mlecs.md'}" in said
    assert "| nearest, image |" in (tmp_path / "mlecs.md").read_text()
    assert (tmp_path / "mlecs-rates.svg").is_file()
    _, again = quick(out, runner)
    assert "3 runs, 3 done" in again
    assert len(runner.made) == 3


def test_what_some_run_lacks_is_told_before_the_first(tmp_path: Path) -> None:
    runner = FakeRunner(lacks="watch")
    with pytest.raises(InputError, match="watch was never fetched"):
        quick(tmp_path / "mlecs.json", runner)
    assert runner.made == []


def test_a_run_that_fails_is_told_at_the_end(tmp_path: Path) -> None:
    fine, said = quick(tmp_path / "mlecs.json", FakeRunner(breaks=lambda one: one.method.name == "standalone"))
    assert not fine
    assert said.splitlines()[-1] == "failed: rates: standalone, rate 0.7, seed 0: standalone broke"
    assert "Failed: rates: standalone" in (tmp_path / "mlecs.md").read_text()


def test_an_interrupted_study_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "mlecs.json"
    with pytest.raises(KeyboardInterrupt):
        quick(out, FakeRunner(interrupts=lambda one: one.method.name == "multifedavg"))
    assert len(json.loads(out.read_text())["runs"]) == 2
    _, said = quick(out, FakeRunner())
    assert "3 runs, 2 done; about 60 s for the others" in said


def test_the_page_alone_needs_no_runs(tmp_path: Path) -> None:
    runner = FakeRunner()
    fine, _ = quick(tmp_path / "mlecs.json", runner, page=True)
    assert (fine, runner.made) == (True, [])
    assert "not run" in (tmp_path / "mlecs.md").read_text()


def test_what_the_table_no_longer_asks_for_is_dropped_on_request(tmp_path: Path) -> None:
    out, said = tmp_path / "mlecs.json", io.StringIO()
    quick(out, FakeRunner())
    options = Options("mlecs", only=("merges",), out=out, page=True, prune=True)
    reproduce(Console(file=said, width=200), options, FakeRunner(), SMALL)
    assert "dropped 3 runs" in said.getvalue()
    assert json.loads(out.read_text()) == {"format": 1, "runs": {}, "floors": {}}


def test_a_study_of_fewer_seeds_makes_their_runs_alone(tmp_path: Path) -> None:
    runner, out = FakeRunner(), tmp_path / "mlecs.json"
    options = Options("mlecs", only=("varying",), seeds=2, out=out)
    reproduce(Console(file=io.StringIO(), width=200), options, runner, SMALL)
    assert sorted({one.seed for one in runner.made}) == [0, 1]
    assert "2 of 5 seeds" in (tmp_path / "mlecs.md").read_text()


def test_two_machines_share_a_study_by_its_seeds(tmp_path: Path) -> None:
    here, there = FakeRunner(), FakeRunner()
    for runner, name, seeds in ((here, "here", (0,)), (there, "there", (1, 4))):
        options = Options("mlecs", only=("varying",), seed=seeds, out=tmp_path / f"{name}.json")
        reproduce(Console(file=io.StringIO(), width=200), options, runner, SMALL)
        assert sorted({one.seed for one in runner.made}) == list(seeds)
    made, said = json.loads((tmp_path / "there.json").read_text())["runs"], io.StringIO()
    for others in (len(made), 0):
        out = tmp_path / "here.json"
        options = Options("mlecs", page=True, take=(tmp_path / "there.json",), out=out)
        reproduce(Console(file=said, width=200), options, here, SMALL)
        assert f"{others} runs taken over from" in said.getvalue()
    both = json.loads(out.read_text())["runs"]
    assert both.items() > made.items()
    assert "3 of 5 seeds" in (tmp_path / "here.md").read_text()


def test_another_studys_file_has_nothing_to_take_over(tmp_path: Path) -> None:
    other, out, said = tmp_path / "other.json", tmp_path / "mlecs.json", io.StringIO()
    Store(other, {"0123456789abcdef": Record("table: eclm", 0, 60.0, MADE, result({"0": 0.5}))}).put_floors("f", {})
    reproduce(Console(file=said, width=200), Options("mlecs", page=True, take=(other,), out=out), FakeRunner(), SMALL)
    assert f"0 runs taken over from {other}" in said.getvalue()
    assert json.loads(out.read_text()) == {"format": 1, "runs": {}, "floors": {}}


def test_the_page_names_all_that_chose_its_runs(tmp_path: Path) -> None:
    (tmp_path / "there.json").write_text('{"format": 1, "runs": {}, "floors": {}}')
    out, there = tmp_path / "mlecs.json", tmp_path / "there.json"
    options = Options("mlecs", only=("varying",), seeds=3, seed=(0, 2), take=(there,), jobs=2, out=out, page=True)
    reproduce(Console(file=io.StringIO(), width=200), options, FakeRunner(), SMALL)
    chosen = f"--only varying --seeds 3 --seed 0 --seed 2 --take {there} --jobs 2"
    assert f"`mlecs reproduce mlecs {chosen}`" in (tmp_path / "mlecs.md").read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["mlec"], "'mlec' is no study to reproduce, so nothing was started; did you mean mlecs?"),
        (["ecml"], "'ecml' is no study to reproduce, so nothing was started; did you mean eclm?"),
        (["nebula"], "'nebula' is no study to reproduce, so nothing was started; there are mlecs, eclm"),
        (["eclm", "--only", "rates"], "'rates' is no group to reproduce, so nothing was started"),
        (["eclm", "--only", "size"], "did you mean sizes?"),
        (["eclm", "--quick", "--only", "sizes"], "there are table"),
        (["eclm", "--seeds", "4"], "seeds=4 must lie in 1..3"),
        (["eclm", "--out", "docs/results/mlecs.json"], "has the results of mlecs, which would be mixed up"),
        (["mlecs", "--only", "rate"], "'rate' is no group to reproduce, so nothing was started; did you mean rates?"),
        (["mlecs", "--only", "x"], "there are rates, unlike, ablations, merges"),
        (["mlecs", "--quick", "--only", "scale"], "'scale' is no group"),
        (["mlecs", "--jobs", "0"], "jobs=0 must be at least 1"),
        (["mlecs", "--seeds", "6"], "seeds=6 must lie in 1..5"),
        (["mlecs", "--seed", "5"], "seed=5 must lie in 0..4, or it has no run to make"),
        (["mlecs", "--seeds", "2", "--seed", "2"], "seed=2 must lie in 0..1"),
        (["mlecs", "--quick", "--seed", "1"], "seed=1 must lie in 0..0"),
        (["mlecs", "--take", "nowhere.json"], "--take nowhere.json is no file"),
        (["mlecs", "--out", "x.md"], "--out x.md must end in .json"),
        (["mlecs", "--quick", "--prune"], "--quick has a table of its own"),
        (["mlecs", "--quick", "--out", "docs/results/mlecs.json"], "--quick has a table of its own"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(mlecs: Mlecs, options: list[str], words: str) -> None:
    assert_refused(mlecs("reproduce", *options), words)


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("{}")
    with pytest.raises(InputError, match="is no file of results"):
        quick(tmp_path / "mine.json", FakeRunner())


@pytest.mark.slow
def test_a_quick_look_goes_all_the_way_to_a_page(tmp_path: Path) -> None:
    """Needs the assets and both healed language models, which are made the first time."""
    out = tmp_path / "mlecs.json"
    command = [sys.executable, "-m", "scenarios", "reproduce", "mlecs", "--quick", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=dict(os.environ))
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "mlecs.md").read_text()
    assert "3 of 3 runs" in page
    results = [one["result"] for one in json.loads(out.read_text())["runs"].values()]
    assert all(0 <= value <= 1 for one in results for by in one["final"]["personal"].values() for value in by.values())
    assert [set(one["traffic"]["download"]) for one in results] == [{"anchors", "lora"}, set(), {"lora"}]
    assert {path.name for path in tmp_path.glob("*.svg")} == {"mlecs-rates.svg", "mlecs-cloud.svg"}
