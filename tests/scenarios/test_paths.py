"""Paths in a scenario hold wherever it goes on."""

from pathlib import Path

import pytest

from mlecs_ray.scenario.overrides import apply
from scenarios.catalogue import SCENARIOS
from scenarios.paths import absolute

SMOKE = SCENARIOS["smoke"]


def test_a_scenario_without_files_stays_as_it_is() -> None:
    assert all(absolute(scenario) == scenario for scenario in SCENARIOS.values())


def test_files_are_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "mine").mkdir(parents=True)
    named = {
        "data": {"name": "parquet", "path": "my/data"},
        "clients.availability.trace": "trace.csv",
        "method.name": "own.py:Mine",
        "clients.structures": {"pi4b": "edge-base", "phone-mid": "models/mine"},
        "task.slms": ["edge-base", "models/mine", "org/on-the-hub"],
    }
    scenario = absolute(apply(SMOKE, named))
    assert scenario.data.path == str(tmp_path / "my" / "data")
    assert scenario.clients.availability.trace == str(tmp_path / "trace.csv")
    assert scenario.method.name == f"{tmp_path}/own.py:Mine"
    assert scenario.clients.structures == {"pi4b": "edge-base", "phone-mid": str(tmp_path / "models" / "mine")}
    assert scenario.task.slms == ("edge-base", str(tmp_path / "models" / "mine"), "org/on-the-hub")


def test_files_of_variants_are_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scenario = absolute(apply(SMOKE, {"variants": {"a": {"method.name": "own.py:Mine"}, "b": {"merges": 3}}}))
    assert scenario.variants == {"a": {"method.name": f"{tmp_path}/own.py:Mine"}, "b": {"merges": 3}}
