"""A run is made with the files of a user's own that it began with."""

import hashlib
import json
from pathlib import Path

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.run import own
from mlecs_ray.run.manifest import manifest
from mlecs_ray.run.records import write_manifest
from mlecs_ray.scenario import sources
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.modules import LIMIT, load_module
from tests.scenario.mine import METHOD, edit, forget, write_method
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


def test_a_run_without_own_files_tells_nothing(tmp_path: Path) -> None:
    assert sources.digests(small_scenario()) == {}
    write_manifest(tmp_path, manifest(small_scenario(), ""))
    assert "own" not in json.loads((tmp_path / "scenario.json").read_text())
    own.check(tmp_path)


def begun(folder: Path, file: Path | str) -> Path:
    scenario = small_scenario(method={"name": f"{file}:Mine", "base": {"name": "fedavg"}})
    write_manifest(folder, manifest(scenario, ""))
    own.keep(folder, scenario)
    return folder


@pytest.mark.parametrize("how", ["edited", "gone"])
def test_what_is_told_and_kept_is_what_this_process_executed(tmp_path: Path, how: str) -> None:
    file = write_method(tmp_path)
    load_module(file)
    edit(file) if how == "edited" else file.unlink()
    run = begun(tmp_path / "run", file)
    told = json.loads((run / "scenario.json").read_text())["own"]
    assert told == {str(file): hashlib.sha256(METHOD.encode()).hexdigest()}
    assert [copy.read_text() for copy in (run / own.FOLDER).iterdir()] == [METHOD]
    own.check(run)


def test_a_process_that_has_loaded_another_file_is_told_to_start_anew(tmp_path: Path) -> None:
    """To put the file back is not enough for it."""
    file = write_method(tmp_path)
    run = begun(tmp_path / "run", file)
    edit(file)
    load_module(file)
    write_method(tmp_path)
    with pytest.raises(InputError, match=r"put back .* and start anew, as this process keeps the file that it loaded"):
        own.check(run)
    forget(file)
    own.check(run)


@pytest.mark.parametrize("what", ["a folder", "a large file"])
def test_what_is_no_file_of_code_is_another(tmp_path: Path, what: str) -> None:
    file = write_method(tmp_path)
    run = begun(tmp_path / "run", file)
    file.unlink()
    file.mkdir() if what == "a folder" else file.write_text("#" * (LIMIT + 1))
    with pytest.raises(InputError, match=r"own.py is not the file that the run began with .*, now none\)"):
        own.check(run)


def test_a_file_that_is_not_there_when_a_run_begins_is_the_users_to_mend(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone.py is no file"):
        begun(tmp_path / "run", tmp_path / "gone.py")


@pytest.mark.parametrize("there", ["nothing", "another", "the same"])
def test_a_relative_path_is_looked_for_where_one_is_and_told_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    """The scenario would load it from there too."""
    write_method(tmp_path)
    monkeypatch.chdir(tmp_path)
    run, elsewhere = begun(tmp_path / "run", "own.py"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    if there != "nothing":
        write_method(elsewhere, METHOD if there == "the same" else "# another")
    if there == "the same":
        own.check(run)
        return
    with pytest.raises(InputError, match=rf"^{elsewhere}/own.py is not the file that the run began with"):
        own.check(run)
