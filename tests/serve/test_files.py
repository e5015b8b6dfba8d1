"""Pictures and recordings as files over HTTP: served answers are those that evaluation has of the same rows."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from bench.serving.requests import contents
from mlecs_ray.run.bundle import adopt
from mlecs_ray.run.local import run_locally
from mlecs_ray.scenario.deal import deal
from mlecs_ray.scenario.overrides import apply
from scenarios.stamps import SCENARIO
from serve.assembly import local_desk, make_gateway
from serve.settings import Settings

pytestmark = pytest.mark.slow
SHORT = apply(
    SCENARIO,
    {
        "clients.count": 4,
        "clients.availability": {"kind": "always"},
        "data.per_client": 8,
        "local.batch": 4,
        "local.steps": 2,
        "task.cloud_llm": "edge-small",
        "schedule.concurrency": 2,
        "schedule.buffer": 2,
        "evaluation.rows": 4,
        "evaluation.every_merges": 2,
        "evaluation.clients": 0,
        "merges": 2,
    },
)
ROWS = 16


def test_files_are_answered_as_evaluation_answers_their_rows(tmp_path: Path) -> None:
    run_locally(SHORT, tmp_path / "run")
    bundle = adopt(tmp_path / "run" / "artifact", tmp_path / "store")
    test = deal(bundle.scenario)[0].test.take(range(ROWS))
    brought = contents(bundle, test)
    settings = Settings(store=str(tmp_path / "store"), version=bundle.version, gallery=str(tmp_path / "gallery"))
    models = [next(name for name, card in bundle.cards.items() if card.side == side) for side in ("edge", "cloud")]
    with TestClient(make_gateway(settings, local_desk(settings)), base_url="http://localhost") as client:
        for model in models:
            expected = bundle.predictor(bundle.card(model))(test)
            asked = [{"model": model, "messages": [{"role": "user", "content": one}]} for one in brought]
            answers = [client.post("/v1/chat/completions", json=one).json() for one in asked]
            assert [one["choices"][0]["message"]["content"] for one in answers] == list(expected)
    # They are about what is there, and not one answer to all.
    assert len({kind["type"] for one in brought for kind in one}) == 2
    assert len(set(expected)) > 1
