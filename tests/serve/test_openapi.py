"""The schema says what the gateway does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.core.failures import FailureGroup
from starlette.testclient import TestClient

from serve.door import OPEN
from serve.models import Refusal
from tests.serve.fakes import FakeSide, fake_app, fake_desk

HELLO = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(fake_app(fake_desk(tmp_path))) as one:
        yield one


@pytest.fixture
def schema(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def _operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(m.upper(), path, one) for path, methods in schema["paths"].items() for m, one in methods.items()]


def test_it_is_a_valid_schema(schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(schema).validate()


def test_operations_have_names_of_their_own(schema: dict[str, Any]) -> None:
    names = [one["operationId"] for _, _, one in _operations(schema)]
    assert len(set(names)) == len(names)


def test_every_path_answers_to_the_methods_that_stand_there_and_to_no_other(
    client: TestClient, schema: dict[str, Any]
) -> None:
    told = {(method, path) for method, path, _ in _operations(schema)}
    for path in schema["paths"]:
        allowed = set(client.request("TRACE", path).headers["Allow"].split(", "))
        assert allowed == {method for method in METHODS if (method, path) in told}, path


def test_all_documented_operations_are_these(schema: dict[str, Any]) -> None:
    assert sorted(f"{method} {path}" for method, path, _ in _operations(schema)) == [
        "DELETE /v1/gallery/{gallery}",
        "DELETE /v1/gallery/{gallery}/{entry}",
        "GET /healthz",
        "GET /metrics",
        "GET /readyz",
        "GET /v1/gallery",
        "GET /v1/gallery/{gallery}",
        "GET /v1/models",
        "GET /v1/models/{model}",
        "GET /v1/versions",
        "POST /v1/chat/completions",
        "POST /v1/classify",
        "POST /v1/embeddings",
        "POST /v1/gallery/{gallery}",
        "POST /v1/search",
        "POST /v1/versions",
    ]


def test_a_key_is_asked_for_where_the_door_asks_for_one(schema: dict[str, Any]) -> None:
    assert schema["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for _, path, one in _operations(schema):
        assert ("security" in one) == (path not in OPEN), path


def test_refusals_are_400_and_never_422(schema: dict[str, Any]) -> None:
    for _, path, one in _operations(schema):
        assert "422" not in one["responses"]
        assert "400" in one["responses"], path
    assert not {"HTTPValidationError", "ValidationError"} & schema["components"]["schemas"].keys()


def test_a_stream_is_documented_beside_the_whole_answer(schema: dict[str, Any]) -> None:
    answer = schema["paths"]["/v1/chat/completions"]["post"]["responses"]["200"]["content"]
    assert answer.keys() == {"application/json", "text/event-stream"}


@pytest.mark.parametrize("breaks", [None, Refusal("failed", "no more")])
@pytest.mark.parametrize("wants_usage", [True, False])
def test_each_event_of_a_stream_is_as_documented(tmp_path: Path, breaks: Refusal | None, wants_usage: bool) -> None:
    desk = fake_desk(tmp_path)
    desk.answering.cloud = FakeSide(breaks=breaks)
    stream = {"stream": True, "stream_options": {"include_usage": wants_usage}}
    said = schemathesis.openapi.from_asgi("/openapi.json", fake_app(desk))
    case = said["/v1/chat/completions"]["POST"].Case(body=HELLO | stream, media_type="application/json")
    response = case.call()
    assert response.headers["content-type"][0].startswith("text/event-stream")
    assert (b"no more" in response.content) == (breaks is not None)
    assert (b'"completion_tokens"' in response.content) == (wants_usage and breaks is None)
    case.validate_response(response)


@pytest.mark.parametrize("spoilt", ["data: {}", "data: [1", 'data: {"id": "1"}'])
def test_an_event_that_is_not_as_documented_would_be_found(tmp_path: Path, spoilt: str) -> None:
    said = schemathesis.openapi.from_asgi("/openapi.json", fake_app(fake_desk(tmp_path)))
    case = said["/v1/chat/completions"]["POST"].Case(body=HELLO | {"stream": True}, media_type="application/json")
    response = case.call()
    response.content = spoilt.encode() + b"\n\n"
    with pytest.raises(FailureGroup, match="SSE event"):
        case.validate_response(response)


def test_what_is_ours_has_one_form_in_a_stream_and_in_a_whole_answer(client: TestClient) -> None:
    whole = client.post("/v1/chat/completions", json=HELLO).json()["mlecs"]
    lines = client.post("/v1/chat/completions", json=HELLO | {"stream": True}).text.split("\n\n")
    told = [json.loads(line.removeprefix("data: ")).get("mlecs") for line in lines if "{" in line]
    assert told[-1].keys() == whole.keys()
    assert not any(told[:-1])


@pytest.mark.parametrize(
    ("path", "kind"), [("/metrics", "text/plain"), ("/healthz", "application/json"), ("/readyz", "application/json")]
)
def test_figures_and_health_have_the_types_that_stand_there(
    client: TestClient, schema: dict[str, Any], path: str, kind: str
) -> None:
    assert list(schema["paths"][path]["get"]["responses"]["200"]["content"]) == [kind]
    assert client.get(path).headers["Content-Type"].partition(";")[0] == kind


def test_whether_it_is_not_ready_yet_is_documented(schema: dict[str, Any]) -> None:
    assert schema["paths"]["/readyz"]["get"]["responses"]["503"]["content"].keys() == {"application/json"}
