"""Versions over HTTP: tried, promoted, taken back."""

import pytest
from starlette.testclient import TestClient

from serve.desk import Desk
from serve.models import Refusal
from tests.serve.fakes import FakeSide, write_artifact

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
    for i in range(600):
        client.post("/v1/chat/completions", json=ASK, headers={"X-Request-ID": str(i)})
    shown = client.get("/v1/versions").json()
    assert shown["stable"] == second
    assert "as good in 50 answers" in shown["history"][-1]


def test_words_alone_say_nothing_of_how_sure_a_version_is(desk: Desk, client: TestClient) -> None:
    second = write_artifact(desk.registry.store, 8, words=True)
    _order(client, "try", second)
    trial = next(str(i) for i in range(300) if desk.registry.rollout.choose(str(i)) == second)
    heard = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}, "modality": "speech_fr"}
    for content in ("hello", [heard]):
        ask = {"model": "auto", "messages": [{"role": "user", "content": content}]}
        assert client.post("/v1/chat/completions", json=ask, headers={"X-Request-ID": trial}).status_code == 200
    tally = desk.registry.rollout.tallies[second]
    assert (tally.answers, tally.judgeable, tally.judged) == (2, 1, 1)


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
