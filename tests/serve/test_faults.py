"""Refusals in OpenAI's form, which name the field, its value and the rule."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from serve.desk import Desk
from tests.serve.fakes import FakeSide, fake_app

CHAT = "/v1/chat/completions"
ASKED = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def client(desk: Desk) -> Iterator[TestClient]:
    with TestClient(fake_app(desk), raise_server_exceptions=False) as one:
        yield one


def _refused(client: TestClient, path: str, body: Any, headers: dict[str, str] = JSON) -> dict[str, Any]:
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    answer = client.post(path, content=content, headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/json"), answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    return error


@pytest.mark.parametrize(
    ("path", "body", "param", "message"),
    [
        (CHAT, {**ASKED, "n": 2}, "n", "n=2: Input should be 1"),
        (CHAT, {**ASKED, "tools": []}, "tools", "tools: is unknown to these models and must be left out"),
        (CHAT, {**ASKED, "audio": {}}, "audio", "audio: is unknown to these models"),
        (CHAT, {**ASKED, "modalities": ["audio"]}, "modalities.0", "modalities.0='audio': Input should be 'text'"),
        (
            CHAT,
            {**ASKED, "response_format": {"type": "json_object"}},
            "response_format.type",
            "response_format.type='json_object': Input should be 'text'",
        ),
        (
            CHAT,
            {**ASKED, "mlecs": {"max_latency": 1}},
            "mlecs.max_latency",
            "mlecs.max_latency=1: Extra inputs are not",
        ),
        (CHAT, {**ASKED, "mlecs": {"client": 1, "domain": "a"}}, "mlecs", "mlecs: client and domain both say"),
        ("/v1/search", {"model": "edge", "gallery": "g", "vector": [1], "filter": 1}, "filter", "Extra inputs are not"),
        (CHAT, {**ASKED, "tool_choice": "required"}, "tool_choice", "tool_choice='required'"),
        (CHAT, {**ASKED, "stop": ["a", ""]}, "stop.1", "stop.1='': String should have at least 1 character"),
        (CHAT, {**ASKED, "max_tokens": True}, "max_tokens", "max_tokens=True: Input should be a valid integer"),
        (CHAT, {**ASKED, "stream": "yes"}, "stream", "stream='yes': Input should be a valid boolean"),
        (
            CHAT,
            {**ASKED, "messages": [{"role": "user", "content": 5}]},
            "messages.0.content",
            "content=5: must be a str",
        ),
        (CHAT, {**ASKED, "messages": [{"role": "user", "content": [{}]}]}, "messages.0.content.0", "must have a type"),
        (
            CHAT,
            {**ASKED, "messages": [{"role": "user", "content": [{"type": "text"}]}]},
            None,
            "content.0.text: Field req",
        ),
        (CHAT, {**ASKED, "model": "\ud800"}, "model", r"model='\ud800': Input should be a valid string"),
        (
            CHAT,
            {**ASKED, "temperature": float("nan")},
            "temperature",
            "temperature=nan: Input should be a finite number",
        ),
        ("/v1/embeddings", {"model": "edge", "input": 5}, "input", "input=5: must be a string, a list of strings, or"),
        ("/v1/embeddings", {"model": "edge", "input": [1]}, "input.0", "input.0=1: Input should be a valid string"),
    ],
)
def test_a_wrong_field_is_named_with_its_value(
    client: TestClient, path: str, body: Any, param: str | None, message: str
) -> None:
    error = _refused(client, path, body)
    assert message in error["message"]
    assert param is None or error["param"] == param


def test_what_a_refusal_repeats_is_short(client: TestClient) -> None:
    error = _refused(client, CHAT, {**ASKED, "response_format": {"x" * 100_000: "y" * 100_000}})
    assert len(json.dumps(error)) < 1000


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/gallery/g", {"model": "edge", "entries": [{"vector": ["a"] * 4096}]}),
        (CHAT, {**ASKED, "modalities": [1] * 4096}),
        (CHAT, {**ASKED, "response_format": {f"{i}": 1 for i in range(4096)}}),
    ],
)
def test_of_many_wrong_values_one_is_told(client: TestClient, path: str, body: Any) -> None:
    """To list two hundred thousand would take seconds, in which nobody else is answered."""
    assert "more)" not in _refused(client, path, body)["message"]


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        (b"", JSON, "the body is empty"),
        (b'{"model": ', JSON, "the body must be JSON, so it was not read: Expecting value at character 10"),
        (b'{"model": "\xff"}', JSON, "the body must be UTF-8"),
        (b"[" * 100_000, JSON, "too deep in one another"),
        (b'{"seed": ' + b"9" * 5000 + b"}", JSON, "numbers of 4,300 digits at most"),
        (b"{}", {"Content-Type": "text/plain"}, "Content-Type 'text/plain' must be application/json"),
        (gzip.compress(b"{}"), {**JSON, "Content-Encoding": "gzip"}, "has Content-Encoding 'gzip' and must come as it"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_as_a_whole(
    client: TestClient, body: bytes, headers: dict[str, str], message: str
) -> None:
    error = _refused(client, CHAT, body, headers)
    assert message in error["message"]
    assert error["param"] is None


def test_a_whole_number_may_be_written_with_a_point(client: TestClient) -> None:
    assert client.post(CHAT, json={**ASKED, "max_tokens": 5.0, "seed": -1.0}).status_code == 200


def test_an_unknown_path_is_not_found_in_the_same_form(client: TestClient) -> None:
    answer = client.get("/v1/completions")
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "not_found_error"
    assert "/v1/completions is no path of this server" in answer.json()["error"]["message"]


def test_another_method_is_told_all_that_a_path_takes(client: TestClient) -> None:
    answer = client.put("/v1/gallery/g")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "DELETE, GET, POST")
    assert "PUT is not for /v1/gallery/g, which takes DELETE, GET, POST" in answer.json()["error"]["message"]
    assert client.delete("/page/index.html").headers["Allow"] == "GET, HEAD"


def test_a_failure_has_the_same_form(client: TestClient, desk: Desk) -> None:
    class Broken(FakeSide):
        def stream(self, model: str, ask: object) -> Any:
            raise RuntimeError("broken")

    desk.answering.cloud = Broken()
    answer = client.post(CHAT, json=ASKED)
    assert (answer.status_code, answer.json()["error"]["type"]) == (500, "server_error")
    assert "broken" not in answer.text


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/models", "/metrics"])
def test_the_head_of_what_can_be_got_comes_without_its_body(client: TestClient, path: str) -> None:
    head, whole = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == whole.headers["Content-Type"]


def test_metadata_that_could_not_be_answered_is_not_enrolled(client: TestClient) -> None:
    deep = json.loads("[" * 200 + "]" * 200)
    entry = {"vector": [1, 0], "metadata": {"deep": deep}}
    assert "more than 16 lists" in _refused(client, "/v1/gallery/g", {"model": "edge", "entries": [entry]})["message"]
    entry["metadata"] = {"deep": [[[{"a": 1}]]]}
    assert client.post("/v1/gallery/g", json={"model": "edge", "entries": [entry]}).status_code == 200
    assert client.get("/v1/gallery/g").json()["data"][0]["metadata"] == entry["metadata"]


def test_a_vector_of_nobodys_is_not_looked_for(client: TestClient) -> None:
    client.post("/v1/gallery/g", json={"model": "edge", "entries": [{"vector": [1, 0]}]})
    search = {"gallery": "g", "vector": [1, 0]}
    assert client.post("/v1/search", json={"model": "edge", **search}).status_code == 200
    assert client.post("/v1/search", json={"model": "nobody", **search}).status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, {**ASKED, "messages": [{"role": "user", "content": "x" * 60_000}] * 2}),
        ("/v1/embeddings", {"model": "edge", "input": ["x" * 60_000] * 20}),
    ],
)
def test_more_text_than_can_be_read_at_once_is_refused(client: TestClient, path: str, body: Any) -> None:
    assert "characters, more than" in _refused(client, path, body)["message"]


def test_a_version_that_is_not_there_is_not_found_and_no_folder_is_told(client: TestClient, desk: Desk) -> None:
    answer = client.post("/v1/versions", json={"action": "try", "version": "9-00000000"})
    assert answer.status_code == 404
    assert str(desk.registry.store) not in answer.text
