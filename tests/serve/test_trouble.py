"""What is the server's own fault is told to whoever runs it, and in few words to others."""

import logging
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mlecs_ray.errors import InputError
from mlecs_ray.run.artifact import FACTS
from serve.faults import Absent
from serve.models import Refusal, refusal
from serve.trouble import Trouble, ours
from tests.serve.fakes import FakeSide, fake_app, fake_desk, write_artifact


def test_a_fault_of_ours_is_told_without_its_places() -> None:
    with pytest.raises(Trouble, match="version 6: /secret/file is damaged") as found, ours("version 6"):
        raise InputError("/secret/file is damaged")
    assert found.value.shown == (
        "version 6 cannot be read on this server, so it answers nothing; the server's log says why"
    )


def test_a_fault_that_is_none_of_ours_goes_on_as_it_is() -> None:
    with pytest.raises(Absent), ours("version 6", Absent):
        raise Absent("no such model")
    with pytest.raises(Trouble) as found, ours("all of it"), ours("a part"):
        raise InputError("broken")
    assert str(found.value) == "a part: broken"


def test_as_a_refusal_it_is_a_failure_and_logged_or_what_it_says_it_is(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        assert refusal(Trouble("/secret/file", "a file")) == Refusal("failed", "a file")
        assert "/secret/file" in caplog.text
        caplog.clear()
        assert refusal(Trouble("not yours", kind="role")) == Refusal("role", "not yours")
    assert not caplog.text


@pytest.mark.parametrize("path", ["/v1/models/cloud@{}", "/v1/chat/completions", "/v1/versions"])
def test_a_damaged_version_is_the_servers_fault(tmp_path: Path, path: str, caplog: pytest.LogCaptureFixture) -> None:
    desk = fake_desk(tmp_path)
    version = write_artifact(desk.registry.store, 8, words=True)
    (desk.registry.store / version / "edge" / "connector.safetensors").write_bytes(b"other bytes")
    bodies = {
        "/v1/chat/completions": {"model": f"cloud@{version}", "messages": [{"role": "user", "content": "hello"}]},
        "/v1/versions": {"action": "try", "version": version},
    }
    with TestClient(fake_app(desk)) as client, caplog.at_level(logging.ERROR):
        asked = client.post(path, json=bodies[path]) if path in bodies else client.get(path.format(version))
    assert (asked.status_code, asked.json()["error"]["type"]) == (500, "server_error")
    assert f"version {version} cannot be read on this server" in asked.text
    assert str(tmp_path) not in asked.text
    assert "connector.safetensors is not the file that the run wrote" in caplog.text


def test_a_version_whose_models_cannot_be_loaded_is_so_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    desk = fake_desk(tmp_path)
    version = write_artifact(desk.registry.store, 8, words=True)

    async def broken(_: object) -> Refusal:
        return Refusal("failed", "structure '/secret/slm' has another language model")

    assert isinstance(desk.cloud, FakeSide)
    desk.cloud.warm = broken  # type: ignore[method-assign]
    with TestClient(fake_app(desk)) as client, caplog.at_level(logging.ERROR):
        answer = client.post("/v1/versions", json={"action": "try", "version": version})
    assert (answer.status_code, desk.registry.rollout.canary) == (500, None)
    assert "secret" not in answer.text
    assert "/secret/slm" in caplog.text


def test_an_artifact_that_is_not_there_is_not_asked_for_by_its_folder(tmp_path: Path) -> None:
    desk = fake_desk(tmp_path)
    version = write_artifact(desk.registry.store, 8, words=True)
    (desk.registry.store / version / FACTS).unlink()
    with TestClient(fake_app(desk)) as client:
        answer = client.post("/v1/embeddings", json={"model": f"edge@{version}", "input": "red"})
    assert (answer.status_code, str(tmp_path) in answer.text) == (500, False)
