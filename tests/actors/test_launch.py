"""Real actors: the same bytes as without Ray, however many there are and whoever dies."""

import asyncio
import threading
import time

import pandas as pd
import pytest
import ray

from actors.cost import read_cost
from actors.fleet import RayFleet
from actors.launch import run_on_ray, server_name
from mlecs_ray.errors import InputError
from mlecs_ray.run.local import run_locally
from mlecs_ray.run.outcome import Outcome
from mlecs_ray.run.records import read_run
from mlecs_ray.scenario.overrides import apply
from mlecs_ray.tree import tree_digest
from mlecs_ray.wire import unpack
from scenarios.smoke import SCENARIO
from tests.server.fakes import ASKING
from tests.small import MODULES, PICTURES, SHIFTING

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("cluster")]
SHORT = apply(SCENARIO, {"clients.count": 6, "schedule.concurrency": 4, "schedule.buffer": 2, "merges": 12})
LONG = apply(SHORT, {"merges": 150, "runtime.checkpoint_every": 20, "runtime.actors": 2})


def digests(outcome: Outcome) -> tuple[str, str]:
    return outcome.events_digest, outcome.state_digest


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> tuple[str, str]:
    return digests(run_locally(SHORT, tmp_path_factory.mktemp("short")))


@pytest.fixture(scope="module")
def long(tmp_path_factory) -> tuple[str, str]:
    return digests(run_locally(LONG, tmp_path_factory.mktemp("long")))


@pytest.mark.parametrize(
    "runtime",
    [{"actors": 1}, {"actors": 2}, {"actors": 3}, {"clients_per_actor": 1}, {"clients_per_actor": 4}],
    ids=lambda runtime: "-".join(f"{key}={value}" for key, value in runtime.items()),
)
def test_any_packing_gives_the_bytes_of_a_run_without_ray(runtime, short, tmp_path):
    scenario = apply(SHORT, {f"runtime.{key}": value for key, value in runtime.items()})
    assert digests(run_on_ray(scenario, tmp_path)) == short


@pytest.mark.parametrize("actors", [1, 3])
def test_cohorts_give_the_same_bytes_on_any_number_of_actors_and_without_ray(actors, short, tmp_path):
    together = apply(SHORT, {"runtime.cohort": 3, "runtime.actors": actors})
    alone = digests(run_locally(together, tmp_path / "local"))
    assert digests(run_on_ray(together, tmp_path / "ray")) == alone
    assert alone[0] == short[0]


@pytest.mark.parametrize("actors", [1, 2])
def test_a_method_that_asks_its_clients_gives_the_same_bytes_on_any_number_of_actors_and_without_ray(actors, tmp_path):
    asking = apply(SHORT, {"method": {"name": ASKING}, "runtime.actors": actors})
    assert digests(run_on_ray(asking, tmp_path / "ray")) == digests(run_locally(asking, tmp_path / "local"))
    kinds = read_run(tmp_path / "ray").events["kind"].value_counts()
    assert 4 <= kinds["told"] <= 6


def test_clients_with_environments_are_taught_and_measured_on_actors_as_without_ray(tmp_path):
    shifting = apply(SHORT, {**SHIFTING, "runtime.actors": 2, "evaluation.every_merges": 4})
    assert digests(run_on_ray(shifting, tmp_path / "ray")) == digests(run_locally(shifting, tmp_path / "local"))
    there, here = (read_run(tmp_path / name).metrics for name in ("ray", "local"))
    pd.testing.assert_frame_equal(there, here)
    assert set(here["scope"]) == {"global", "personal", "fleet"}


@pytest.mark.parametrize("actors", [1, 2])
def test_sub_models_are_derived_trained_and_measured_on_actors_as_without_ray(actors, tmp_path, monkeypatch):
    """What the cloud has learned beforehand is made here and there, each with a cache of its own."""
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    method = {"name": "eclm", "options": MODULES}
    modular = apply(SHORT, {**SHIFTING, **PICTURES, "method": method, "merges": 4, "runtime.actors": actors})
    assert digests(run_on_ray(modular, tmp_path / "ray")) == digests(run_locally(modular, tmp_path / "local"))
    there, here = (read_run(tmp_path / name) for name in ("ray", "local"))
    pd.testing.assert_frame_equal(there.metrics, here.metrics)
    assert (there.events["kind"] == "told").sum() > 0


@pytest.mark.parametrize("method", ["localadaptation", "noadaptation"])
def test_jobs_of_which_nothing_comes_back_share_a_call(method, tmp_path, monkeypatch):
    """Of several trees without leaves in one answer each is there."""
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    changes = {"method": {"name": method}, "merges": 4, "runtime.actors": 1, "schedule.concurrency": 4}
    alone = apply(SHORT, {**SHIFTING, **PICTURES, **changes})
    assert digests(run_on_ray(alone, tmp_path / "ray")) == digests(run_locally(alone, tmp_path / "local"))
    there, here = (read_run(tmp_path / name).metrics for name in ("ray", "local"))
    pd.testing.assert_frame_equal(there, here)


class Meddler(threading.Thread):
    """Waits until a run has merged ``after`` times, then does something to it; ``seen`` is what it saw."""

    def __init__(self, folder, after, deed):
        super().__init__(daemon=True)
        self.folder, self.after, self.deed, self.seen = folder, after, deed, None

    def run(self):
        while self.seen is None:
            try:
                server = ray.get_actor(server_name(self.folder))
                if ray.get(server.progress.remote()).merges >= self.after:
                    self.seen = self.deed(server)
            except ValueError:
                time.sleep(0.05)


def kill_clients(server):
    first, second = ray.get(server.hosts.remote())
    ray.kill(first, no_restart=False)
    ray.kill(second, no_restart=True)
    return 2


def kill_server(server):
    ray.kill(server)
    return 1


@pytest.mark.parametrize("deed", [kill_clients, kill_server])
def test_killing_actors_in_mid_run_changes_nothing(deed, long, tmp_path):
    meddler = Meddler(tmp_path, 30, deed)
    meddler.start()
    outcome = run_on_ray(LONG, tmp_path)
    assert meddler.seen, "nobody was killed, so nothing was tested"
    if deed is kill_clients:
        cost = read_cost(tmp_path)
        assert cost is not None
        assert cost.replaced >= 1, "the server started again, where the fleet should have mended itself"
    assert digests(outcome) == long


def test_a_run_stopped_and_resumed_on_ray_ends_as_if_it_had_not_been(long, tmp_path):
    stopped = run_on_ray(LONG, tmp_path, watch=lambda progress: progress.merges >= 10)
    assert not stopped.finished
    assert digests(run_on_ray(LONG, tmp_path, resume=True)) == long


def lacking():
    raise InputError("asset stamps is not in the cache: run `mlecs fetch stamps`")


def test_what_an_actor_lacks_on_its_machine_is_said_in_its_own_words():
    async def start():
        fleet = RayFleet(lacking, [{"num_cpus": 0.1}], None)
        try:
            await fleet.ready()
        finally:
            await fleet.close()

    with pytest.raises(InputError, match=r"^asset stamps is not in the cache: run `mlecs fetch stamps`$"):
        asyncio.run(start())


def test_the_server_answers_with_progress_and_its_state_while_it_runs(tmp_path):
    def look(server):
        version, packed = ray.get(server.snapshot.remote())
        return version, tree_digest(unpack(packed)), ray.get(server.progress.remote())

    meddler = Meddler(tmp_path, 5, look)
    meddler.start()
    outcome = run_on_ray(LONG, tmp_path)
    version, digest, progress = meddler.seen
    assert 5 <= version < 150
    assert digest != outcome.state_digest
    assert progress.stage == "running"
    assert progress.running > 0
