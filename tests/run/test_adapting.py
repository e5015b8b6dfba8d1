"""Every way to adapt a cloud's classifier, from a scenario to its records: the same bytes, however often it runs."""

from pathlib import Path
from typing import Any

import pytest
import torch

from mlecs_ray.run.local import run_locally
from mlecs_ray.run.outcome import Outcome
from mlecs_ray.run.records import read_run
from mlecs_ray.run.session import Session
from mlecs_ray.scenario.build import build
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply
from tests.run.watched import assert_same, run
from tests.small import MODULES, PICTURES, SHIFTING, small_scenario

OPTIONS: dict[str, dict[str, Any]] = {
    "eclm": MODULES,
    "noadaptation": {},
    "localadaptation": {},
    "adaptivenet": {"branch_epochs": 1},
    "heterofl": {},
    "fedavg": {},
    "fedavgft": {},
}
Whole = tuple[Scenario, Outcome, Path]


def scenario(name: str) -> Scenario:
    """Two merges of digits, as pictures, on six devices whose environments shift."""
    changes = {"merges": 2, "evaluation.every_merges": 1, "method": {"name": name, "options": OPTIONS[name]}}
    return small_scenario(**{**SHIFTING, **PICTURES, **changes})


@pytest.fixture(scope="module", params=OPTIONS)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A run with each method, by a cloud that has learned nothing before."""
    folder, chosen = tmp_path_factory.mktemp("whole"), scenario(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLECS_CACHE", str(folder / "cache"))
        return chosen, run_locally(chosen, folder / "run"), folder / "run"


def test_it_runs_and_devices_are_measured(whole: Whole) -> None:
    assert whole[1].finished
    assert whole[1].progress.merges == 2
    records = read_run(whole[2])
    assert set(records.metrics["scope"]) == {"global", "personal", "fleet"}
    told = int((records.events["kind"] == "told").sum())
    assert (told > 0) == (whole[0].method.name == "eclm")


def test_a_cloud_that_learns_all_anew_comes_to_the_same_bytes(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    again = run_locally(whole[0], tmp_path / "run")
    assert_same((again, tmp_path / "run"), whole[1:])


@pytest.mark.parametrize("place", [0, -2], ids=["its first job", "a job after the first merge"])
def test_a_run_stopped_after_a_job_goes_on_to_the_same_end(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    """With what devices had kept, and told, by then."""
    monkeypatch.setenv("MLECS_CACHE", str(whole[2].parent / "cache"))
    jobs = read_run(whole[2]).events.query("kind == 'finished'")["job"].tolist()
    session = Session(build(whole[0]), tmp_path)
    stopped, _ = run(session, session.stop, jobs[place])
    assert not stopped.finished
    outcome, _ = run(Session(build(whole[0]), tmp_path, resume=True))
    assert_same((outcome, tmp_path), whole[1:])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_on_a_gpu_it_takes_the_same_virtual_time_and_learns_as_much(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLECS_CACHE", str(whole[2].parent / "cache"))
    run_locally(apply(whole[0], {"runtime.device": "cuda"}), tmp_path)
    there, here = read_run(tmp_path), read_run(whole[2])
    assert there.events[["kind", "seconds", "client"]].equals(here.events[["kind", "seconds", "client"]])
    values = [run.metrics.query("metric == 'accuracy'")["value"].to_numpy() for run in (there, here)]
    assert values[0] == pytest.approx(values[1], abs=0.1)
