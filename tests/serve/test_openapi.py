"""The schema says what the gateway does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from starlette.testclient import TestClient

from serve.door import OPEN
from tests.serve.fakes import fake_app, fake_desk

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
