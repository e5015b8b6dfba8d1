"""A run without Ray listens to whoever watches it."""

import time
from pathlib import Path

import pytest

from mlecs_ray.run.local import run_locally
from mlecs_ray.run.outcome import read_outcome
from mlecs_ray.run.progress import Progress
from tests.small import small_scenario

LONG = small_scenario(merges=60)


def test_a_watcher_sees_the_run_and_its_end(tmp_path: Path) -> None:
    seen: list[Progress] = []
    outcome = run_locally(LONG, tmp_path, watch=lambda progress: bool(seen.append(progress)))
    assert seen[-1] == outcome.progress
    assert [p.merges for p in seen] == sorted(p.merges for p in seen)
    assert outcome.progress.merges == 60


def test_a_watcher_may_stop_the_run(tmp_path: Path) -> None:
    assert not run_locally(LONG, tmp_path, watch=lambda _: True).finished


def test_a_watcher_that_fails_stops_the_run_too(tmp_path: Path) -> None:
    """As at a second Ctrl-C: the thread of the run must not go on to its end."""

    def impatient(_: Progress) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_locally(LONG, tmp_path, watch=impatient)
    outcome = read_outcome(tmp_path)
    assert outcome is not None
    assert outcome.progress.merges < 60


def test_a_run_says_when_its_first_update_had_come_back(tmp_path: Path) -> None:
    before = time.time()
    outcome = run_locally(LONG, tmp_path)
    read = read_outcome(tmp_path)
    assert read is not None
    assert read.progress.first_update == outcome.progress.first_update
    assert outcome.progress.first_update is not None
    assert before < outcome.progress.first_update < time.time()
