"""Runs that are killed, stopped, resumed or out of room end as they would have, or say why not."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mlecs_ray.run.checkpoint import newest
from mlecs_ray.run.outcome import Outcome, read_outcome
from mlecs_ray.run.records import read_run
from mlecs_ray.scenario.config import Scenario
from scenarios.execute import execute
from tests.scenario.mine import edit, forget, write_method
from tests.scenarios.conftest import Mlecs, sets
from tests.small import SMALL, small_scenario

TRAP = f"{Path(__file__).parent / 'trap.py'}:Trap"
LONG = {"merges": 60, "runtime__checkpoint_every": 20}
"""Long enough for a signal to be heard, which takes a quarter of a second."""


def trapped(flag: Path, signal: str, **changes: object) -> Scenario:
    """A small scenario that ``signal`` hits when ``flag`` is there."""
    return small_scenario(method={"name": TRAP, "options": {"flag": str(flag), "signal": signal}}, **changes)


def uninterrupted(scenario: Scenario, folder: Path) -> Outcome:
    (outcome,), _ = execute(scenario, folder, lambda _: False)
    return outcome


def in_a_process(scenario: Scenario, folder: Path) -> subprocess.CompletedProcess[str]:
    """``mlecs run`` of this scenario by a process of its own."""
    file = folder.with_suffix(".json")
    file.write_text(scenario.model_dump_json())
    command = [sys.executable, "-c", "from scenarios.cli import main; main()", "run", file, "--out", folder]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])


def assert_same(folder: Path, other: Path) -> None:
    """The same events, weights, jobs and metrics, to the last bit."""
    one, two = read_outcome(folder), read_outcome(other)
    assert one is not None
    assert two is not None
    assert one.finished
    assert (one.events_digest, one.state_digest) == (two.events_digest, two.state_digest)
    for name in ("events", "traffic", "metrics"):
        assert pq.read_table(folder / f"{name}.parquet").equals(pq.read_table(other / f"{name}.parquet"))


def test_a_run_killed_after_its_second_checkpoint_resumes_to_the_same_end(mlecs: Mlecs, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    scenario = trapped(flag, "SIGKILL", merges=12)
    uninterrupted(scenario, tmp_path / "whole")
    flag.touch()
    assert in_a_process(scenario, tmp_path / "run").returncode == -9
    assert sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir()) == ["00000003", "00000006"]
    assert read_outcome(tmp_path / "run") is None
    assert mlecs("resume", "run").code == 0
    assert_same(tmp_path / "run", tmp_path / "whole")


def test_ctrl_c_ends_with_130_a_readable_run_and_how_to_go_on(mlecs: Mlecs, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    scenario = trapped(flag, "SIGINT", **LONG)
    uninterrupted(scenario, tmp_path / "whole")
    flag.touch()
    done = in_a_process(scenario, tmp_path / "run")
    assert (done.returncode, done.stderr) == (130, "")
    assert f"stopped; go on with: mlecs resume {tmp_path / 'run'}" in done.stdout
    stopped = read_outcome(tmp_path / "run")
    assert stopped is not None
    assert not stopped.finished
    assert 7 <= stopped.progress.merges < 60
    assert newest(tmp_path / "run").snapshot.facts["server"]["version"] == stopped.progress.merges
    assert mlecs("report", "run").code == 0
    assert mlecs("resume", "run").code == 0
    assert_same(tmp_path / "run", tmp_path / "whole")


def test_a_study_stopped_in_its_second_run_goes_on_there(mlecs: Mlecs, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    variants = {"short": {"merges": 3, "method": "fedavg"}, "long": {}}
    scenario = trapped(flag, "SIGINT", variants=variants, **LONG)
    execute(scenario, tmp_path / "whole", lambda _: False)
    flag.touch()
    settings = {"method": scenario.method.model_dump_json(), "variants": json.dumps(variants)}
    settings |= {key.replace("__", "."): str(value) for key, value in LONG.items()}
    said = mlecs("run", "smoke", "--local", "--out", "run", *sets({**SMALL, **settings}))
    assert said.code == 130
    before = (tmp_path / "run" / "short-s0" / "events.parquet").stat().st_mtime_ns
    assert mlecs("resume", "run").code == 0
    assert (tmp_path / "run" / "short-s0" / "events.parquet").stat().st_mtime_ns == before
    for name in ("short-s0", "long-s0"):
        assert_same(tmp_path / "run" / name, tmp_path / "whole" / name)
    assert (tmp_path / "run" / "report.html").is_file()


def test_a_study_killed_before_a_runs_first_checkpoint_begins_that_run_anew(mlecs: Mlecs, tmp_path: Path) -> None:
    execute(small_scenario(seeds=[0, 1]), tmp_path / "whole", lambda _: False)
    shutil.copytree(tmp_path / "whole", tmp_path / "run")
    half = tmp_path / "run" / "smoke-s1"
    (half / "outcome.json").unlink()
    shutil.rmtree(half / "checkpoints")
    assert mlecs("resume", "run").code == 0
    assert_same(half, tmp_path / "whole" / "smoke-s1")


@pytest.mark.parametrize("left", ["a finished run without a checkpoint", "a run that had just begun"])
def test_a_study_goes_on_with_the_file_that_its_runs_had(mlecs: Mlecs, tmp_path: Path, left: str) -> None:
    """The run that is left would be of the file of now, in one table with the first; one that began anew may be."""
    file = write_method(tmp_path)
    scenario = small_scenario(seeds=[0, 1], method=f"{file}:Mine", merges=2, runtime__checkpoint_every=9)
    execute(scenario, tmp_path / "run", lambda _: False)
    shutil.rmtree(tmp_path / "run" / "smoke-s1")
    if left == "a run that had just begun":
        (tmp_path / "run" / "smoke-s0" / "outcome.json").unlink()
    assert not (tmp_path / "run" / "smoke-s0" / "checkpoints").exists()
    edit(file)
    forget(file)
    said = mlecs("resume", "run")
    if left == "a run that had just begun":
        assert said.code == 0
        return
    assert said.code == 2
    assert "own.py is not the file that the run began with" in said.err
    (copy,) = (tmp_path / "run" / "smoke-s0" / "own").iterdir()
    file.write_bytes(copy.read_bytes())
    assert mlecs("resume", "run").code == 0


def test_the_same_seed_gives_the_same_run_and_another_seed_another(tmp_path: Path) -> None:
    first, second, other = (
        uninterrupted(small_scenario(seed=seed), tmp_path / name) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert_same(tmp_path / "a", tmp_path / "b")
    assert first.events_digest != other.events_digest
    assert second.state_digest != other.state_digest


def test_a_study_leaves_a_folder_for_each_variant_and_seed(tmp_path: Path) -> None:
    scenario = small_scenario(merges=2, seeds=[3, 4], variants={"10% lost": {"clients.faults.dropout": 0.1}, "b": {}})
    outcomes, report = execute(scenario, tmp_path / "run", lambda _: False)
    assert len(outcomes) == 4
    assert report == tmp_path / "run" / "report.html"
    found = {path.parent.name for path in tmp_path.glob("run/*/outcome.json")}
    assert found == {"10-lost-s3", "10-lost-s4", "b-s3", "b-s4"}
    assert read_run(tmp_path / "run" / "10-lost-s4").manifest["seed"] == 4
    assert read_run(tmp_path / "run" / "10-lost-s4").manifest["variant"] == "10% lost"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 48 KB: room for the first records of a run, not for its checkpoint."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk; the tests with /dev/full run everywhere")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_ends_the_run_in_one_line_with_no_half_file(mlecs: Mlecs, disk: Path) -> None:
    said = mlecs("run", "smoke", "--local", "--out", disk / "run", *sets(SMALL))
    assert said.code == 2
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert "No space left on device" in said.err
    assert not list(disk.rglob("*.part"))


def test_a_run_on_a_full_disk_leaves_no_folder(mlecs: Mlecs, disk: Path) -> None:
    with (disk / "full").open("wb", buffering=0) as file:
        for _ in range(12):
            file.write(bytes(4096))
    said = mlecs("run", "smoke", "--local", "--out", disk / "run", *sets(SMALL))
    assert said.code == 2
    assert said.err.startswith("error: ")
    assert "No space left on device, so scenario.json was not written" in said.err
    assert [path.name for path in disk.iterdir()] == ["full"]


@pytest.mark.parametrize("name", ["events.parquet", "report.html", "outcome.json"])
def test_a_full_disk_later_leaves_a_run_that_can_go_on(mlecs: Mlecs, tmp_path: Path, name: str) -> None:
    """/dev/full takes no byte, as a full disk does."""
    uninterrupted(small_scenario(), tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "run")
    (tmp_path / "run" / "outcome.json").unlink()
    (tmp_path / "run" / f"{name}.part").symlink_to("/dev/full")
    said = mlecs("resume", "run")
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert f"No space left on device, so {name} was not written" in said.err
    again = mlecs("report" if name == "report.html" else "resume", "run")
    assert again.code == 0
    assert_same(tmp_path / "run", tmp_path / "whole")
