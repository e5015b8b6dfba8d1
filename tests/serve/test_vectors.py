"""Embeddings, galleries and search over HTTP."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from serve.desk import Desk
from tests.serve.fakes import fake_app, fake_desk, write_artifact


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return fake_desk(tmp_path)


@pytest.fixture
def client(desk: Desk) -> Iterator[TestClient]:
    with TestClient(fake_app(desk)) as made:
        yield made


def _picture(colour: str) -> dict[str, Any]:
    out = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(out, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def _entry(colour: str, **more: Any) -> dict[str, Any]:
    return {"id": colour, "input": [_picture(colour)], "thumbnail": _picture(colour)["image_url"]["url"], **more}


def _enrol(client: TestClient, *entries: dict[str, Any], model: str = "edge") -> Any:
    return client.post("/v1/gallery/colours", json={"model": model, "entries": list(entries)})


def _search(client: TestClient, **query: Any) -> Any:
    return client.post("/v1/search", json={"model": "cloud", "gallery": "colours", **query})


def test_embeddings_are_floats_or_the_same_in_base64(client: TestClient) -> None:
    ask = {"model": "edge", "input": ["a red thing", "a blue thing"]}
    floats = client.post("/v1/embeddings", json=ask).json()
    packed = client.post("/v1/embeddings", json={**ask, "encoding_format": "base64"}).json()
    raw = base64.b64decode(packed["data"][1]["embedding"])
    assert np.frombuffer(raw, "<f4").tolist() == floats["data"][1]["embedding"]
    assert [row["index"] for row in floats["data"]] == [0, 1]


def test_what_is_sensed_has_embeddings_too(client: TestClient) -> None:
    found = client.post("/v1/embeddings", json={"model": "cloud", "input": [[_picture("red")]]}).json()
    assert int(np.argmax(found["data"][0]["embedding"])) == 0


def test_the_nearest_come_first_by_picture_by_words_and_by_vector(client: TestClient) -> None:
    assert _enrol(client, _entry("red"), _entry("lime"), _entry("blue")).json()["ids"] == ["red", "lime", "blue"]
    for query in ({"input": [_picture("red")]}, {"input": "something red"}, {"vector": [1.0, 0.0, 0.0]}):
        found = _search(client, **query).json()
        assert found["data"][0]["id"] == "red"
        assert found["data"][0]["score"] == pytest.approx(1, abs=0.1)
        assert found["data"][0]["thumbnail"].startswith("data:image/png;base64,")


def test_cameras_and_identities_choose(client: TestClient) -> None:
    _enrol(client, _entry("red", camera="a", identity="x"), _entry("blue", camera="b", identity="y"))
    ask = {"input": [_picture("red")]}
    assert [one["id"] for one in _search(client, **ask, cameras=["b"]).json()["data"]] == ["blue"]
    assert [one["id"] for one in _search(client, **ask, not_camera="a").json()["data"]] == ["blue"]
    assert [one["id"] for one in _search(client, **ask, identities=["x"]).json()["data"]] == ["red"]


def test_entries_are_listed_removed_and_dropped(client: TestClient) -> None:
    _enrol(client, _entry("red"), {**_entry("blue"), "id": "a/b"})
    assert [one["id"] for one in client.get("/v1/gallery/colours?limit=1").json()["data"]] == ["a/b"]
    assert client.delete("/v1/gallery/colours/a/b").json() == {"id": "a/b", "deleted": True}
    assert client.delete("/v1/gallery/colours/a/b").json()["deleted"] is False
    assert client.get("/v1/gallery").json()["data"][0]["entries"] == 1
    assert client.delete("/v1/gallery/colours").json()["deleted"] is True
    assert _search(client, input="red").status_code == 404


def test_a_gallery_stays_with_the_version_that_it_was_made_in(desk: Desk, client: TestClient) -> None:
    first, second = desk.registry.rollout.stable, write_artifact(desk.registry.store, 8, words=True)
    _enrol(client, _entry("red"))
    client.post("/v1/versions", json={"action": "try", "version": second})
    client.post("/v1/versions", json={"action": "promote"})
    assert _search(client, input=[_picture("red")]).json()["model"] == f"cloud@{first}"
    refused = client.post(
        "/v1/search", json={"model": f"cloud@{second}", "gallery": "colours", "input": [_picture("red")]}
    )
    assert refused.status_code == 400
    assert "another space" in refused.json()["error"]["message"]
    assert _enrol(client, _entry("blue")).json()["model"] == f"edge@{first}"


@pytest.mark.parametrize(
    "entry",
    [
        {"input": [_picture("red")], "vector": [1.0]},
        {},
        {"vector": [0.0, 0.0, 0.0]},
        {"vector": [1.0, 2.0]},
        {"input": [_picture("red")], "thumbnail": "data:text/html;base64,AAAA"},
        {"input": [_picture("red")], "thumbnail": "no url"},
        {"input": [_picture("red")], "metadata": {"note": "x" * 5000}},
    ],
)
def test_what_cannot_be_enrolled_is_refused_whole(client: TestClient, entry: dict[str, Any]) -> None:
    _enrol(client, _entry("red"))
    assert _enrol(client, _entry("blue"), entry).status_code == 400
    assert client.get("/v1/gallery").json()["data"][0]["entries"] == 1


def test_one_thing_alone_can_be_looked_for(client: TestClient) -> None:
    _enrol(client, _entry("red"))
    for query in (
        {},
        {"input": "red", "vector": [1, 0, 0]},
        {"input": [_picture("red"), {"type": "text", "text": "x"}]},
    ):
        assert _search(client, **query).status_code == 400


@pytest.mark.parametrize("name", ["..", "a b", ".hidden", "x" * 65])
def test_names_that_are_none_are_refused(client: TestClient, name: str) -> None:
    assert client.post(f"/v1/gallery/{name}", json={"model": "edge", "entries": [_entry("red")]}).status_code in (
        400,
        404,
        405,
    )
