"""``scenario.json`` is enough to run it again."""

import json
from importlib import metadata
from pathlib import Path

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.run import manifest as manifests
from mlecs_ray.run.manifest import manifest, read_scenario
from mlecs_ray.run.records import FORMAT, write_manifest
from scenarios.catalogue import SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_comes_back_whole(tmp_path: Path, name: str) -> None:
    write_manifest(tmp_path, manifest(SCENARIOS[name], ""))
    assert read_scenario(tmp_path) == SCENARIOS[name]


def test_it_tells_the_variant_the_versions_and_the_machine(tmp_path: Path) -> None:
    write_manifest(tmp_path, manifest(SCENARIOS["smoke"], "10% lost"))
    told = json.loads((tmp_path / "scenario.json").read_text())
    assert (told["format"], told["name"], told["variant"], told["seed"]) == (FORMAT, "smoke", "10% lost", 0)
    assert told["environment"]["torch"] == metadata.version("torch")
    assert told["environment"]["cpus"] >= 1


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({}, "a scenario=None: input should be an object"),
        ({"scenario": {"name": "x", "colour": 1}}, "colour is no key of a scenario"),
        ({"scenario": {"name": "x", "seconds": 0}}, "seconds=0"),
    ],
)
def test_a_scenario_that_is_none_is_named_by_its_file(tmp_path: Path, raw: dict[str, object], words: str) -> None:
    write_manifest(tmp_path, raw)
    with pytest.raises(InputError, match=f"scenario.json: {words}"):
        read_scenario(tmp_path)


def test_a_package_that_is_not_there_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "PACKAGES", ("torch", "no-such-package"))
    told = manifest(SCENARIOS["smoke"], "")["environment"]
    assert told["torch"] == metadata.version("torch")
    assert told["no-such-package"] == "not installed"
