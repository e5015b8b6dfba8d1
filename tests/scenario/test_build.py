"""From a scenario to all that a run is made of; what cannot run is refused before anything starts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.methods.fedavg import FedAvg
from mlecs_ray.scenario import build as builds
from mlecs_ray.scenario.build import build, judge_clients, make_engine, make_plan
from mlecs_ray.scenario.captions import find_slm
from mlecs_ray.server.core import CLOUD
from mlecs_ray.sim.fleet import LocalFleet
from mlecs_ray.tree import Tree
from tests.scenario.own import write_folder
from tests.server.fakes import Memory
from tests.small import MODULES, PICTURES, SHIFTING, small_scenario


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"clock": "wall"}, "clock=wall takes real arrivals"),
        ({"clock": "wall", "clients__availability": "always"}, "clock=wall takes real arrivals"),
        ({"clients__structures": {"pi9": "x"}}, "clients.structures names 'pi9', which is not in clients.devices"),
        ({"clients__structures": {"pi4b": "x"}}, "clients.structures.pi4b='x' is no structure of the task"),
        (
            {"evaluation__metrics": ["acuracy"]},
            "metric 'acuracy' is unknown, so nothing was measured; did you mean acc",
        ),
        ({"evaluation__metrics": ["rouge_lsum"]}, "samples have no texts"),
        ({"schedule__tiers": 7}, "7 tiers of 6 clients"),
        ({"schedule": {"concurrency": 9, "buffer": 7, "barrier": True}}, "a tier has 6, so no round would ever end"),
        ({"clients__count": 3000}, "some shards would be empty"),
        ({"task__hidden": [6000, 6000], "clients__devices": {"gateway": 1}}, "device gateway of client 0 has"),
    ],
)
def test_what_cannot_run_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        build(small_scenario(**changes))


def test_a_round_that_is_larger_than_the_fleet_may_end_by_its_deadline() -> None:
    assert build(small_scenario(schedule={"concurrency": 9, "buffer": 7, "barrier": True, "deadline": 1.0}))


def test_the_wall_clock_takes_a_world_without_simulated_faults() -> None:
    faults = {"dropout": 0.0, "upload_loss": 0.0}
    assert build(small_scenario(clock="wall", clients__availability="always", clients__faults=faults))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_without_ray() -> None:
    with pytest.raises(InputError, match=r"runtime\.device=cuda, but torch finds no GPU here"):
        build(small_scenario(runtime__device="cuda"))


def test_a_cohort_of_a_method_that_trains_one_by_one_is_told(caplog: pytest.LogCaptureFixture) -> None:
    scaffold = {"runtime.cohort": 8, "method": "examples/scaffold.py:Scaffold", "clients.count": 13}
    build(small_scenario(**{key.replace(".", "__"): value for key, value in scaffold.items()}))
    assert "runtime.cohort=8 has no effect: Scaffold has no train_many, so clients train one by one" in caplog.text
    caplog.clear()
    build(small_scenario(runtime__cohort=8))
    assert not caplog.text


def test_the_slowest_clients_are_in_the_last_tier() -> None:
    """Three tiers of two clients each, by the seconds that a job takes without luck."""
    built = build(small_scenario(schedule={"concurrency": 2, "buffer": 1, "barrier": True, "tiers": 3}))
    state = built.method.init(0)
    clients = [built.world.client(number, 0.0) for number in range(6)]
    seconds = [built.world.expected_seconds(c, 1000, built.method.work(c, state)) for c in clients]
    tiers = [built.roster.tier(number) for number in range(6)]
    assert sorted(tiers) == [0, 0, 1, 1, 2, 2]
    assert max(np.array(seconds)[np.array(tiers) == 0]) <= min(np.array(seconds)[np.array(tiers) == 2])


def test_the_roster_knows_the_edge_and_the_cloud() -> None:
    roster = build(small_scenario()).roster
    assert (roster.count, roster.cloud) == (6, False)
    assert roster.client(3, 0.0).id == 3
    assert (roster.client(CLOUD, 0.0).role, roster.client(CLOUD, 0.0).device) == ("cloud", "cloud")


def test_the_model_is_judged_through_all_modalities_and_through_some_clients(tmp_path: Path) -> None:
    """Clients 0 and 2 of three; 2 has no sound."""
    data = {"name": "parquet", "path": str(write_folder(tmp_path)), "partition": "given"}
    built = build(small_scenario(data=data, task="fusion", clients__count=3, evaluation__clients=2))
    plan = make_plan(built)
    told = [(judge.scope, judge.subject, sorted(judge.client.modalities)) for judge in plan.judges]
    assert told == [
        ("global", "model", ["image", "sound"]),
        ("client", "0", ["image", "sound"]),
        ("personal", "0", ["image", "sound"]),
        ("client", "2", ["image"]),
        ("personal", "2", ["image"]),
    ]
    assert [client.id for client in judge_clients(built)] == [CLOUD]


def test_a_client_is_judged_through_the_sensors_that_work_at_that_moment(tmp_path: Path) -> None:
    data = {"name": "parquet", "path": str(write_folder(tmp_path)), "partition": "given"}
    masks = {"kind": "varying", "rate": 0.5, "period": 10.0}
    built = build(small_scenario(data=data, task="fusion", clients__count=3, clients__masks=masks))
    plan = make_plan(built)
    client, moments = built.world.client(0, 0.0), [10.0 * period for period in range(20)]
    seen = [plan.seen(client, now).modalities for now in moments]
    assert seen == [built.world.client(0, now).modalities for now in moments]
    assert len(set(seen)) > 1
    (judge,) = judge_clients(built)
    assert {plan.seen(judge, now).modalities for now in moments} == {frozenset(("image", "sound"))}


def test_a_client_is_judged_with_what_it_has_told() -> None:
    """The judge of the server's own model has the cloud's id and has told nothing."""
    built = build(small_scenario())
    engine = make_engine(built, LocalFleet(built.make_worker()), Memory())
    engine.server.told.update({0: {"w": torch.ones(2)}, CLOUD: {"w": torch.zeros(2)}})
    seen = [engine.evaluator.plan.seen(client, 9.0) for client in (built.world.client(0, 0.0), *judge_clients(built))]
    assert [client.told.get("w") is None for client in seen] == [False, True]
    assert engine.evaluator.plan.seen(built.world.client(1, 0.0), 9.0).told == {}


def test_clients_with_environments_are_judged_on_their_own_tests() -> None:
    """Right answers are those to the rows of the moment's step."""
    built = build(small_scenario(**SHIFTING, evaluation__rows=50))
    plan = make_plan(built)
    assert [(judge.scope, judge.subject, judge.local) for judge in plan.judges] == [
        ("global", "model", False),
        ("personal", "0", True),
        ("personal", "3", True),
    ]
    assert (plan.rows, plan.local_rows) == (50, 40)
    now, later = (plan.seen(plan.judges[2].client, seconds) for seconds in (0.0, 9.0))
    assert (now.step, later.step) == (0, 3)
    right = [built.hand.local_test(one).labels.tolist() for one in (now, later)]
    assert right[0] != right[1]
    assert plan.measure(later, True, right[1])["accuracy"] == 1.0
    assert plan.measure(now, True, right[1])["accuracy"] < 1.0


def test_clients_of_an_ordinary_partition_have_the_test_of_all() -> None:
    plan = make_plan(build(small_scenario(evaluation__clients=2, evaluation__local=True, evaluation__rows=50)))
    assert (plan.rows, plan.local_rows) == (50, 50)
    assert [judge.local for judge in plan.judges] == [False, True, True]


def test_costs_are_told_by_an_outline_where_a_method_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def learns(*_: object) -> Tree:
        raise AssertionError("a minute of learning")

    outline = build(small_scenario(method="fedavg")).method.init(0)
    monkeypatch.setattr(FedAvg, "init", learns)
    monkeypatch.setattr(FedAvg, "outline", lambda _: outline, raising=False)
    assert build(small_scenario(method="fedavg", schedule={"concurrency": 2, "buffer": 1, "barrier": True, "tiers": 3}))


def test_evaluation_reads_the_first_rows_or_all_that_there_are() -> None:
    assert make_plan(build(small_scenario(evaluation__rows=50))).rows == 50
    assert make_plan(build(small_scenario())).rows == 359
    assert make_plan(build(small_scenario(evaluation__rows=5000))).rows == 359


def test_a_right_answer_measures_1() -> None:
    built = build(small_scenario(evaluation__rows=20))
    labels = built.dataset.test.labels
    assert labels is not None
    assert make_plan(built).measure(built.world.client(0, 0.0), False, labels[:20].tolist()) == {
        "accuracy": 1.0,
        "macro_f1": 1.0,
    }


def test_any_process_makes_the_same_worker() -> None:
    built = build(small_scenario())
    client = built.world.client(0, 0.0)
    state = built.method.init(1)
    tree = built.method.assign(state, client)
    first, second = built.make_worker(), built.make_worker()
    assert first.predict(client, tree, {}, range(32)) == second.predict(client, tree, {}, range(32))


def test_a_language_model_whose_asset_is_missing_says_what_to_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"asset smollm2 is not in the cache .*run `mlecs fetch smollm2`"):
        find_slm("smollm2")


def test_a_language_model_may_be_a_folder_or_a_name_of_a_hub(tmp_path: Path) -> None:
    assert find_slm(str(tmp_path)) == tmp_path
    assert find_slm("org/model-that-is-not-here") == "org/model-that-is-not-here"


def test_what_is_prepared_while_building_rounds_as_in_the_workers():
    usual = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        build(small_scenario())
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(usual)


def test_a_run_that_ends_before_its_shifts_says_so(caplog: pytest.LogCaptureFixture) -> None:
    changes = {**SHIFTING, "data.environments.period": 41.0}
    assert build(small_scenario(**changes))
    assert "data.environments.shifts=3, one every period=41 s, but seconds=60 ends the run" in caplog.text


@pytest.mark.parametrize(
    ("name", "local", "told"), [("eclm", False, True), ("eclm", True, False), ("fedavg", False, False)]
)
def test_devices_that_are_judged_by_a_model_that_none_of_them_has_are_told(
    caplog: pytest.LogCaptureFixture, name: str, local: bool, told: bool
) -> None:
    # What was told by another test is told once a process.
    builds._tell.cache_clear()
    options = MODULES if name == "eclm" else {}
    assert build(
        small_scenario(
            **{**SHIFTING, **PICTURES, "evaluation.local": local, "method": {"name": name, "options": options}}
        )
    )
    assert ("evaluation.local=false judges eclm by the cloud's model" in caplog.text) == told
