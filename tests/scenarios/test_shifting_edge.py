"""The scenario of shifting environments, shortened."""

from pathlib import Path

import pytest

from mlecs_ray.run.local import run_locally
from mlecs_ray.run.records import read_run
from mlecs_ray.scenario.overrides import apply
from scenarios.shifting_edge import SCENARIO

SHORT = {
    "variants": {},
    "runtime.backend": "local",
    "seconds": 0.6,
    "clients.count": 8,
    "clients.load.period": 0.2,
    "data.environments.period": 0.25,
    "data.environments.shifts": 2,
    "task.hidden": [8, 8],
    "task.pretrain_epochs": 2,
    "local.epochs": 1,
    "method.options": {},
    "schedule.concurrency": 4,
    "evaluation.clients": 4,
    "evaluation.every_seconds": 0.3,
}


@pytest.fixture(autouse=True)
def cached(tmp_path, monkeypatch):
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", SCENARIO.variants)
def test_every_variant_is_judged_by_the_devices_own_worlds(name: str, tmp_path: Path) -> None:
    options = {"enhance_epochs": 1} if name == "ECLM" else {}
    scenario = apply(SCENARIO, {**SHORT, **SCENARIO.variants[name], "method.options": options})
    outcome = run_locally(scenario, tmp_path / "run")
    metrics = read_run(tmp_path / "run").metrics
    fleet = metrics[metrics.scope == "fleet"]
    assert sorted(fleet.seconds) == [0.0, 0.3, 0.6]
    assert outcome.progress.last["accuracy"] == fleet.sort_values("seconds").value.iloc[-1]


def test_a_device_is_asked_again_when_its_world_has_shifted(tmp_path: Path) -> None:
    scenario = apply(SCENARIO, {**SHORT, "method.options": {"enhance_epochs": 1}})
    run_locally(scenario, tmp_path / "run")
    traffic = read_run(tmp_path / "run").traffic
    asked = traffic[traffic.outcome == "told"].groupby("client").size()
    assert asked.max() == 3
    assert (traffic.outcome == "merged").sum() > len(asked)
