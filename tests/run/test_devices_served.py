"""What devices learned for themselves is served as it was measured."""

import asyncio
from pathlib import Path

import pytest
import torch

from mlecs_ray.metrics.registry import measure
from mlecs_ray.run.bundle import Bundle, read_bundle
from mlecs_ray.run.local import local_fleet
from mlecs_ray.run.records import read_run
from mlecs_ray.run.session import Session
from mlecs_ray.scenario.build import Built, build
from mlecs_ray.scenario.overrides import apply
from scenarios.shifting_edge import SCENARIO

SMALL = {
    "seconds": 1.5,
    "clients.count": 6,
    "task.hidden": [8, 8],
    "task.pretrain_epochs": 1,
    "evaluation.clients": 2,
    "schedule.concurrency": 4,
    "schedule.buffer": 2,
    # A server answers when nothing else runs on a device.
    "clients.load.kind": "idle",
    "variants": {},
}
OPTIONS = {"eclm": {"enhance_epochs": 1, "modules": 4}, "adaptivenet": {"branch_epochs": 1}}


def ran(folder: Path, method: str) -> tuple[Built, Bundle]:
    built = build(apply(SCENARIO, {**SMALL, "method": {"name": method, "options": OPTIONS.get(method, {})}}))
    asyncio.run(Session(built, folder).execute(local_fleet))
    return built, read_bundle(folder / "artifact")


@pytest.mark.parametrize("method", ["eclm", "localadaptation", "adaptivenet"])
def test_each_device_s_own_model_scores_what_the_run_recorded_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    built, bundle = ran(tmp_path / "run", method)
    rows = read_run(tmp_path / "run").metrics
    for number in (0, 3):
        last = rows[(rows.scope == "personal") & (rows.subject == str(number)) & (rows.metric == "accuracy")].iloc[-1]
        test = built.hand.local_test(built.world.client(number, float(last.seconds)))
        card = bundle.card(f"client-{number}")
        answers = bundle.predictor(card)(test)
        assert measure(["accuracy"], answers, test)["accuracy"] == last.value
        with torch.no_grad():
            assert bundle.scores(card)(test).argmax(1).tolist() == answers
    assert {card.client for card in bundle.cards.values() if card.client is not None} == set(range(6))


@pytest.mark.parametrize("method", ["fedavg", "heterofl", "noadaptation", "eclm"])
def test_the_cloud_s_model_is_served_without_the_public_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    built, bundle = ran(tmp_path / "run", method)
    rows = read_run(tmp_path / "run").metrics
    last = rows[(rows.scope == "global") & (rows.metric == "accuracy")].iloc[-1]
    test = built.dataset.test
    answers = bundle.predictor(bundle.card("model"))(test)
    assert measure(["accuracy"], answers, test)["accuracy"] == last.value
    with torch.no_grad():
        assert bundle.scores(bundle.card("model"))(test).argmax(1).tolist() == answers
