"""A run is made with the files of a user's own that it began with."""

import hashlib
import json
from pathlib import Path

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.run import own
from mlecs_ray.run.manifest import manifest
from mlecs_ray.run.records import write_manifest
from mlecs_ray.scenario.config import Scenario
from tests.small import small_scenario


def files(folder: Path) -> Scenario:
    """A scenario with two files of one name."""
    for place in ("a", "b"):
        (folder / place).mkdir()
        (folder / place / "own.py").write_text(f"# {place}")
    method = {"name": f"{folder}/a/own.py:Mine", "base": {"name": "fedavg"}}
    return small_scenario(method=method, task__kind="network", task__network=f"{folder}/b/own.py:make")


def test_each_file_is_told_by_its_bytes_and_copied(tmp_path: Path) -> None:
    scenario, run = files(tmp_path), tmp_path / "run"
    write_manifest(run, manifest(scenario, ""))
    own.keep(run, scenario)
    told = json.loads((run / "scenario.json").read_text())["own"]
    assert told == {str(tmp_path / p / "own.py"): hashlib.sha256(f"# {p}".encode()).hexdigest() for p in ("b", "a")}
    assert sorted(copy.read_text() for copy in (run / own.FOLDER).iterdir()) == ["# a", "# b"]
    own.check(run)


@pytest.mark.parametrize("how", ["changed", "gone"])
def test_another_file_is_refused_and_the_copy_named(tmp_path: Path, how: str) -> None:
    scenario, run, file = files(tmp_path), tmp_path / "run", tmp_path / "b" / "own.py"
    write_manifest(run, manifest(scenario, ""))
    own.keep(run, scenario)
    file.write_text("# other") if how == "changed" else file.unlink()
    with pytest.raises(InputError, match=r"b/own.py is not the file that the run began with .*put back") as caught:
        own.check(run)
    (copy,) = [path for path in (run / own.FOLDER).iterdir() if path.read_text() == "# b"]
    assert str(copy) in str(caught.value)


def test_a_network_that_no_task_reads_and_a_run_without_own_files_tell_nothing(tmp_path: Path) -> None:
    assert own.digests(small_scenario(task__network="gone.py:make")) == {}
    write_manifest(tmp_path, manifest(small_scenario(), ""))
    assert "own" not in json.loads((tmp_path / "scenario.json").read_text())
    own.check(tmp_path)
