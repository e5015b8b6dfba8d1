"""Versions over HTTP: tried, promoted, taken back."""

import json
import random
import time

import pytest
from starlette.testclient import TestClient

from serve.desk import Desk
from serve.models import Refusal
from serve.registry import STATE
from tests.serve.fakes import FITTED, FakeSide, write_artifact

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}


def _order(client: TestClient, action: str, version: str | None = None) -> tuple[int, dict[str, object]]:
    answer = client.post("/v1/versions", json={"action": action, "version": version})
    return answer.status_code, answer.json()


def test_a_version_of_the_store_is_tried_promoted_and_taken_back(desk: Desk, client: TestClient) -> None:
    first, second = desk.registry.rollout.stable, write_artifact(desk.registry.store, 8, words=True)
    status, shown = _order(client, "try", second)
    assert (status, shown["stable"], shown["canary"]) == (200, first, second)
    status, shown = _order(client, "promote")
    assert (shown["stable"], shown["canary"], shown["previous"]) == (second, None, first)
    assert client.post("/v1/chat/completions", json=ASK).json()["mlecs"]["version"] == second
    _, shown = _order(client, "roll back")
    assert shown["stable"] == first


def test_what_it_shows_on_trial_is_counted_and_decides(desk: Desk, client: TestClient) -> None:
    second = write_artifact(desk.registry.store, 8, words=True)
    _order(client, "try", second)
    desk.registry.rollout.draw = random.Random(1).random
    for _ in range(700):
        client.post("/v1/chat/completions", json=ASK)
    shown = client.get("/v1/versions").json()
    assert shown["stable"] == second
    assert "as good in 50 answers" in shown["history"][-1]


def test_words_alone_say_nothing_of_how_sure_a_version_is(desk: Desk, client: TestClient) -> None:
    second = write_artifact(desk.registry.store, 8, words=True)
    _order(client, "try", second)
    desk.registry.rollout.draw = lambda: 0.0
    heard = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}, "modality": "speech_fr"}
    for content in ("hello", [heard]):
        ask = {"model": "auto", "messages": [{"role": "user", "content": content}]}
        assert client.post("/v1/chat/completions", json=ask).status_code == 200
    tally = desk.registry.rollout.tallies[second]
    assert (tally.answers, tally.judgeable, tally.judged) == (2, 1, 1)


def test_who_names_a_version_decides_no_trial(desk: Desk, client: TestClient) -> None:
    """Else any key could have it promoted, or taken back."""
    second = write_artifact(desk.registry.store, 8, words=True)
    _order(client, "try", second)
    assert isinstance(desk.edge, FakeSide)
    for refuses in (None, Refusal("unsound", "numbers that are none")):
        desk.edge.refuses = refuses
        for _ in range(60):
            client.post("/v1/chat/completions", json=ASK | {"model": f"edge@{second}"})
    assert (desk.registry.rollout.canary, desk.registry.rollout.tallies[second].answers) == (second, 0)


def test_how_sure_the_edge_was_counts_whoever_answered(desk: Desk, client: TestClient) -> None:
    """Else a version that hands nearly all on to the cloud would be judged by the few answers that it is sure of."""
    second = write_artifact(desk.registry.store, 8, words=True)
    _order(client, "try", second)
    desk.registry.rollout.draw = lambda: 0.0
    assert isinstance(desk.edge, FakeSide)
    desk.edge.logprob = -2.0
    heard = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}, "modality": "speech_fr"}
    ask = {"model": "auto", "messages": [{"role": "user", "content": [heard]}]}
    told = client.post("/v1/chat/completions", json=ask).json()["mlecs"]
    assert (told["answered_by"], told["confidence"]) == ("cloud", None)
    tally = desk.registry.rollout.tallies[second]
    assert (tally.judged, tally.mean_confidence) == (1, FITTED.confidence(-2.0))


def test_a_trial_on_a_quiet_server_ends_when_someone_looks(desk: Desk, client: TestClient) -> None:
    second = write_artifact(desk.registry.store, 8, words=True)
    _order(client, "try", second)
    late = time.monotonic() + desk.registry.rollout.rules.seconds + 1
    desk.registry.rollout.clock = lambda: late
    assert client.get("/v1/versions").json()["stable"] == second
    assert json.loads((desk.registry.store / STATE).read_text())["stable"] == second


def test_a_version_that_cannot_be_loaded_is_not_tried(desk: Desk, client: TestClient) -> None:
    second = write_artifact(desk.registry.store, 8, words=True)

    async def broken(_: object) -> Refusal:
        return Refusal("input", "the adapter is of another model")

    assert isinstance(desk.cloud, FakeSide)
    desk.cloud.warm = broken  # type: ignore[method-assign]
    status, told = _order(client, "try", second)
    assert (status, desk.registry.rollout.canary) == (400, None)
    assert second not in desk.registry.versions
    assert "another model" in str(told)


@pytest.mark.parametrize(
    ("action", "version", "status"),
    [
        ("try", None, 400),
        ("try", "99-0123abcd", 404),
        ("try", "../../etc", 400),
        ("promote", None, 400),
        ("roll back", None, 400),
        ("fly", None, 400),
    ],
)
def test_what_cannot_be_done_is_refused(client: TestClient, action: str, version: str | None, status: int) -> None:
    assert _order(client, action, version)[0] == status
