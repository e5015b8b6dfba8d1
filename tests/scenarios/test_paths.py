"""Paths in a scenario hold wherever it goes on."""

from pathlib import Path

import pytest

from mlecs_ray.scenario.overrides import apply, expand
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
        "task.kind": "network",
        "task.network": "net.py:make",
        "clients.structures": {"pi4b": "edge-base", "phone-mid": "models/mine"},
        "task.slms": ["edge-base", "models/mine", "org/on-the-hub", "file:models/mine"],
    }
    scenario = absolute(apply(SMOKE, named))
    assert scenario.data.path == str(tmp_path / "my" / "data")
    assert scenario.clients.availability.trace == str(tmp_path / "trace.csv")
    assert scenario.method.name == f"{tmp_path}/own.py:Mine"
    assert scenario.task.network == f"{tmp_path}/net.py:make"
    assert scenario.clients.structures == {"pi4b": "edge-base", "phone-mid": str(tmp_path / "models" / "mine")}
    assert scenario.task.slms == (
        "edge-base",
        str(tmp_path / "models" / "mine"),
        "org/on-the-hub",
        f"file:{tmp_path}/models/mine",
    )


def test_files_of_variants_are_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    variants = {
        "by its key": {"method.name": "own.py:Mine"},
        "by a shortcut": {"method": "own.py:Mine"},
        "in a group": {"data": {"name": "parquet", "path": "mine"}},
        "inside": {"method.base": "own.py:Mine"},
        "none": {"merges": 3},
    }
    scenario = absolute(apply(SMOKE, {"variants": variants}))
    singles = {variant: single for variant, _, single in expand(scenario)}
    assert singles["by its key"].method.name == f"{tmp_path}/own.py:Mine"
    assert singles["by a shortcut"].method.name == f"{tmp_path}/own.py:Mine"
    assert singles["in a group"].data.path == str(tmp_path / "mine")
    assert singles["inside"].method.base.name == f"{tmp_path}/own.py:Mine"
    assert scenario.variants["none"] == {"merges": 3}
