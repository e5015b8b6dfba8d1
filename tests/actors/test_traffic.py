"""What a run moves and calls: counted, not timed, so that a change which costs more fails wherever it runs."""

import pytest

from actors.cost import read_cost
from actors.launch import run_on_ray
from mlecs_ray.models.mlp import MLPTask
from mlecs_ray.run.records import read_run
from mlecs_ray.scenario.overrides import apply
from mlecs_ray.tree import tree_bytes
from scenarios.smoke import SCENARIO

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("cluster")]
ROUNDS, CLIENTS, ACTORS = 10, 8, 2
SYNCHRONOUS = apply(
    SCENARIO,
    {
        "clients.count": CLIENTS,
        "clients.faults": {},
        "clients.availability": {},
        "schedule": {"concurrency": CLIENTS, "buffer": CLIENTS, "barrier": True},
        "method": "fedavg",
        "local.epochs": 1,
        "local.batch": 256,
        "merges": ROUNDS,
        "seconds": 1e6,
        "evaluation.every_merges": 5,
        "runtime.actors": ACTORS,
    },
)
MODEL = tree_bytes(MLPTask().init(0))


def test_a_large_model_is_put_once_for_each_version_that_was_sent_or_measured(tmp_path):
    run_on_ray(apply(SYNCHRONOUS, {"task.hidden": [1024]}), tmp_path)
    cost, model = read_cost(tmp_path), tree_bytes(MLPTask((64, 1024, 10)).init(0))
    assert cost is not None
    assert cost.traffic.puts == ROUNDS + 1
    assert model * (ROUNDS + 1) < cost.traffic.put_bytes <= (model + 1024) * (ROUNDS + 1)
    assert cost.traffic.sent_bytes == cost.traffic.direct == 0


@pytest.mark.parametrize("cohort", [1, 4])
def test_calls_bytes_events_and_processes_stay_what_they_are(cohort, tmp_path):
    run_on_ray(apply(SYNCHRONOUS, {"runtime.cohort": cohort}), tmp_path)
    cost, updates = read_cost(tmp_path), ROUNDS * CLIENTS
    assert cost is not None
    assert cost.actors == ACTORS
    traffic = cost.traffic
    assert traffic.answers == updates
    # A round is one call to each actor; a machine so slow that its jobs seem large may make a few more.
    assert ACTORS * ROUNDS <= traffic.calls <= updates / 2
    assert traffic.direct == traffic.calls, "small calls to actors of this machine go by a socket"
    assert traffic.puts == 0, "small payloads travel in the calls"
    assert traffic.sent_bytes <= traffic.calls * (MODEL + 1024)
    assert traffic.answer_bytes <= updates * MODEL + traffic.calls * 1024
    kinds = read_run(tmp_path).events["kind"].value_counts().to_dict()
    assert kinds == {"started": updates, "finished": updates, "merged": ROUNDS, "evaluated": 3, "online": 1}
