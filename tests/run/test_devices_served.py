"""What devices learned for themselves is served as it was measured."""

import asyncio
from pathlib import Path

import pandas as pd
import pytest
import torch

from mlecs_ray.metrics.registry import measure
from mlecs_ray.run.bundle import Bundle, read_bundle
from mlecs_ray.run.local import local_fleet
from mlecs_ray.run.records import read_run
from mlecs_ray.run.session import Session
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.build import Built, build
from tests.shifting import small


def ran(folder: Path, method: str) -> tuple[Built, Bundle]:
    # A server answers when nothing else runs on a device.
    built = build(small(method, **{"clients.load.kind": "idle"}))
    asyncio.run(Session(built, folder).execute(local_fleet))
    return built, read_bundle(folder / "artifact")


def last_of(run: Path, scope: str, subject: str) -> pd.Series:
    rows = read_run(run).metrics
    return rows[(rows.scope == scope) & (rows.subject == subject) & (rows.metric == "accuracy")].iloc[-1]


def assert_served(bundle: Bundle, name: str, test: Samples, accuracy: float) -> None:
    card = bundle.card(name)
    answers = bundle.predictor(card)(test)
    assert measure(["accuracy"], answers, test)["accuracy"] == accuracy
    with torch.no_grad():
        assert bundle.scores(card, bundle.params(card))(test).argmax(1).tolist() == answers


@pytest.mark.parametrize("method", ["eclm", "localadaptation", "adaptivenet", "fedavgft"])
def test_each_device_s_own_model_scores_what_the_run_recorded_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    built, bundle = ran(tmp_path / "run", method)
    for number in (0, 4):
        last = last_of(tmp_path / "run", "personal", str(number))
        test = built.hand.local_test(built.world.client(number, float(last.seconds)))
        assert_served(bundle, f"client-{number}", test, last.value)
    assert {card.client for card in bundle.cards.values() if card.client is not None} == set(range(8))


@pytest.mark.parametrize("method", ["fedavg", "heterofl", "noadaptation", "eclm"])
def test_the_cloud_s_model_is_served_without_the_public_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    built, bundle = ran(tmp_path / "run", method)
    assert_served(bundle, "model", built.dataset.test, last_of(tmp_path / "run", "global", "model").value)
