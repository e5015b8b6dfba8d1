"""A run broken off anywhere and taken up again is the run that was never broken off."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.run import own
from mlecs_ray.run.checkpoint import newest, save
from mlecs_ray.run.local import local_fleet
from mlecs_ray.run.outcome import Outcome
from mlecs_ray.run.records import read_run
from mlecs_ray.run.session import Session
from mlecs_ray.scenario.build import Built, build
from mlecs_ray.sim.fleet import Fleet
from mlecs_ray.tree import tree_digest
from tests.run.watched import Watched, assert_same, crash, run
from tests.scenario.mine import METHOD, edit, forget, write_method
from tests.server.fakes import ASKING
from tests.small import SHIFTING, small_scenario

SCAFFOLD = f"{Path(__file__).parents[2] / 'examples' / 'scaffold.py'}:Scaffold"
KINDS: dict[str, dict[str, Any]] = {
    "buffered": {},
    "asynchronous": {
        "merges": 16,
        "schedule__buffer": 1,
        "method": {"name": "fedasync"},
        "schedule__selection": "utility",
    },
    "synchronous": {"schedule": {"concurrency": 4, "buffer": 3, "barrier": True, "over_select": 1.3, "deadline": 0.05}},
    "tiers": {"schedule": {"concurrency": 3, "buffer": 2, "barrier": True, "tiers": 2}, "method": {"name": "fedat"}},
    "with kept states": {"method": {"name": SCAFFOLD}, "evaluation__clients": 2},
    "with questions": {"method": {"name": ASKING}, "evaluation__clients": 2},
    "environments": {"method": {"name": "fedavg"}, **SHIFTING},
}
BUILT = {name: build(small_scenario(**changes)) for name, changes in KINDS.items()}


@pytest.fixture(scope="module", params=KINDS)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, Outcome, Path]:
    """A scenario of each kind, run without a break."""
    folder = tmp_path_factory.mktemp("whole")
    outcome, _ = run(Session(BUILT[request.param], folder))
    return BUILT[request.param], outcome, folder


@pytest.mark.parametrize("at", [1, 12])
def test_a_stopped_run_goes_on_to_the_same_end(whole: tuple[Built, Outcome, Path], tmp_path: Path, at: int) -> None:
    session = Session(whole[0], tmp_path)
    stopped, _ = run(session, session.stop, at)
    assert not stopped.finished
    outcome, _ = run(Session(whole[0], tmp_path, resume=True))
    assert_same((outcome, tmp_path), whole[1:])


def test_a_crashed_run_goes_on_to_the_same_end(whole: tuple[Built, Outcome, Path], tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"the machine is gone"):
        run(Session(whole[0], tmp_path), crash, at=13)
    outcome, _ = run(Session(whole[0], tmp_path, resume=True))
    assert_same((outcome, tmp_path), whole[1:])


def test_real_time_is_that_of_all_legs(whole: tuple[Built, Outcome, Path], tmp_path: Path) -> None:
    session = Session(whole[0], tmp_path)
    run(session, session.stop, at=12)
    saved = newest(tmp_path)
    assert 0 < saved.real_seconds < 600
    save(tmp_path, replace(saved, real_seconds=1e6))
    outcome, _ = run(Session(whole[0], tmp_path, resume=True))
    assert 1e6 < outcome.progress.real_seconds < 1e6 + 600


def test_a_run_may_be_broken_off_more_than_once(whole: tuple[Built, Outcome, Path], tmp_path: Path) -> None:
    for at in (4, 8, 12):
        session = Session(whole[0], tmp_path, resume=at > 4)
        run(session, session.stop, at)
    outcome, _ = run(Session(whole[0], tmp_path, resume=True))
    assert_same((outcome, tmp_path), whole[1:])


def test_every_job_is_in_the_traffic_once(whole: tuple[Built, Outcome, Path]) -> None:
    records = read_run(whole[2])
    started = records.events.query("kind == 'started'").job
    assert sorted(started) == sorted(records.traffic.job)
    assert records.traffic.job.is_unique
    merged = records.events.query("kind == 'merged'").detail.astype(int).sum()
    assert merged == (records.traffic.outcome == "merged").sum()


def test_a_fleet_is_closed_however_a_run_ends(tmp_path: Path) -> None:
    _, fleet = run(Session(BUILT["buffered"], tmp_path / "good"))
    assert fleet.closed
    seen: list[Watched] = []

    async def make(built: Built) -> Watched:
        seen.append(Watched(await local_fleet(built), crash, 1))
        return seen[0]

    with pytest.raises(RuntimeError):
        asyncio.run(Session(BUILT["buffered"], tmp_path / "bad").execute(make))
    assert seen[0].closed


def test_a_run_that_cannot_be_resumed_starts_no_fleet(tmp_path: Path) -> None:
    async def make(_: Built) -> Fleet:
        raise AssertionError("an actor was started")

    run(Session(BUILT["buffered"], tmp_path))
    for path in sorted((tmp_path / "checkpoints").iterdir()):
        (path / "facts.json").write_text("{")
    with pytest.raises(InputError, match=r"is damaged"):
        asyncio.run(Session(BUILT["buffered"], tmp_path, resume=True).execute(make))


def test_a_stop_that_comes_while_the_run_is_finished_comes_too_late(tmp_path: Path) -> None:
    session = Session(BUILT["buffered"], tmp_path)

    class Late(Watched):
        def predict(self, probe: Any) -> Any:
            if session.progress().stage == "finishing":
                session.stop()
            return self.fleet.predict(probe)

    async def make(built: Built) -> Late:
        return Late(await local_fleet(built), crash, 0)

    assert asyncio.run(session.execute(make)).finished


def test_progress_and_state_can_be_asked_for_at_any_time(tmp_path: Path) -> None:
    session = Session(BUILT["buffered"], tmp_path, variant="fast")
    assert (session.progress().stage, session.progress().variant) == ("starting", "fast")
    with pytest.raises(InputError, match=r"has not started, so there is no state yet"):
        session.snapshot()
    seen: list[tuple[str, int]] = []
    outcome, _ = run(session, lambda: seen.append((session.progress().stage, session.snapshot()[0])), at=9)
    assert seen[0][0] == "running"
    assert 0 < seen[0][1] < 8
    assert (outcome.progress.stage, outcome.progress.merges, outcome.progress.share) == ("done", 8, 1.0)
    version, state = session.snapshot()
    assert (version, tree_digest(state)) == (8, outcome.state_digest)


def test_a_run_is_about_the_file_that_it_was_built_with(tmp_path: Path) -> None:
    file = write_method(tmp_path)
    built = build(small_scenario(method=f"{file}:Mine"))
    edit(file)
    session = Session(built, tmp_path / "run")
    run(session, session.stop, at=4)
    assert [copy.read_text() for copy in (tmp_path / "run" / own.FOLDER).iterdir()] == [METHOD]
    # This process goes on with what it has loaded; another would load what is there now.
    assert run(Session(built, tmp_path / "run", resume=True))[0].finished


def test_a_run_goes_on_with_no_other_file(tmp_path: Path) -> None:
    """It is looked at where the run is, as a server that dies comes back in another process."""

    async def make(_: Built) -> Fleet:
        raise AssertionError("an actor was started")

    file = write_method(tmp_path)
    session = Session(build(small_scenario(method=f"{file}:Mine")), tmp_path / "run")
    run(session, session.stop, at=4)
    forget(file)
    edit(file)
    again = Session(build(small_scenario(method=f"{file}:Mine")), tmp_path / "run", resume=True)
    with pytest.raises(InputError, match=r"own.py is not the file that the run began with .* go on as another run"):
        asyncio.run(again.execute(make))
