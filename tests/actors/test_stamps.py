"""The main job, shortened: real captions, language models and senses, the same bytes wherever they run."""

import pytest

from actors.launch import run_on_ray
from mlecs_ray.run.local import run_locally
from mlecs_ray.run.records import read_run
from mlecs_ray.scenario.overrides import apply
from scenarios.stamps import SCENARIO

pytestmark = [pytest.mark.slow, pytest.mark.ray, pytest.mark.usefixtures("cluster")]
SHORT = apply(
    SCENARIO,
    {
        "clients.count": 8,
        # Most lack two or three of the four senses.
        "clients.masks.rate": 0.3,
        "clients.availability": {"kind": "always"},
        "clients.faults.dropout": 0.3,
        "data.per_client": 8,
        "local.batch": 4,
        "local.steps": 2,
        "task.cloud_llm": "edge-small",
        "schedule.concurrency": 3,
        "schedule.buffer": 2,
        "evaluation.rows": 8,
        "evaluation.every_merges": 3,
        "evaluation.clients": 1,
        "merges": 6,
    },
)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    outcome = run_locally(SHORT, folder)
    return outcome.events_digest, outcome.state_digest, read_run(folder).metrics


@pytest.mark.parametrize(
    "runtime",
    [{"actors": 1}, {"actors": 2}, {"actors": 3}, {"clients_per_actor": 1}],
    ids=lambda runtime: "-".join(f"{key}={value}" for key, value in runtime.items()),
)
def test_the_main_job_gives_the_same_bytes_and_answers_on_any_packing(runtime, alone, tmp_path):
    scenario = apply(SHORT, {f"runtime.{key}": value for key, value in runtime.items()})
    outcome = run_on_ray(scenario, tmp_path)
    assert (outcome.events_digest, outcome.state_digest) == alone[:2]
    assert read_run(tmp_path).metrics.equals(alone[2])
