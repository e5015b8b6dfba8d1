"""Embeddings and search over HTTP."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from serve.desk import Desk
from serve.models import Refusal
from tests.serve.colours import enrol, entry, picture
from tests.serve.fakes import FakeSide, fake_app, fake_desk, write_artifact


def _down(desk: Desk) -> None:
    """The edge."""
    assert isinstance(desk.edge, FakeSide)
    desk.edge.refuses = Refusal("down", "it does not answer")


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
    found = client.post("/v1/embeddings", json={"model": "cloud", "input": [[picture("red")]]}).json()
    assert int(np.argmax(found["data"][0]["embedding"])) == 0


def test_the_nearest_come_first_by_picture_by_words_and_by_vector(client: TestClient) -> None:
    assert enrol(client, entry("red"), entry("lime"), entry("blue")).json()["ids"] == ["red", "lime", "blue"]
    for query in ({"input": [picture("red")]}, {"input": "something red"}, {"vector": [1.0, 0.0, 0.0]}):
        found = _search(client, **query).json()
        assert found["data"][0]["id"] == "red"
        assert found["data"][0]["score"] == pytest.approx(1, abs=0.1)
        assert found["data"][0]["thumbnail"].startswith("data:image/png;base64,")


def test_cameras_and_identities_choose(client: TestClient) -> None:
    enrol(client, entry("red", camera="a", identity="x"), entry("blue", camera="b", identity="y"))
    ask = {"input": [picture("red")]}
    assert [one["id"] for one in _search(client, **ask, cameras=["b"]).json()["data"]] == ["blue"]
    assert [one["id"] for one in _search(client, **ask, not_camera="a").json()["data"]] == ["blue"]
    assert [one["id"] for one in _search(client, **ask, identities=["x"]).json()["data"]] == ["red"]


def test_a_gallery_stays_with_the_version_that_it_was_made_in(desk: Desk, client: TestClient) -> None:
    first, second = desk.registry.rollout.stable, write_artifact(desk.registry.store, 8, words=True)
    enrol(client, entry("red"))
    client.post("/v1/versions", json={"action": "try", "version": second})
    client.post("/v1/versions", json={"action": "promote"})
    assert _search(client, input=[picture("red")]).json()["model"] == f"cloud@{first}"
    refused = client.post(
        "/v1/search", json={"model": f"cloud@{second}", "gallery": "colours", "input": [picture("red")]}
    )
    assert refused.status_code == 400
    assert "another space" in refused.json()["error"]["message"]
    assert enrol(client, entry("blue")).json()["model"] == f"edge@{first}"


def test_one_thing_alone_can_be_looked_for(client: TestClient) -> None:
    enrol(client, entry("red"))
    for query in (
        {},
        {"input": "red", "vector": [1, 0, 0]},
        {"input": [picture("red"), {"type": "text", "text": "x"}]},
    ):
        assert _search(client, **query).status_code == 400


def test_vectors_tell_who_made_them_and_at_what_cost(client: TestClient) -> None:
    """Twelve weights at two FLOPs each at the edge; to the cloud three numbers go, and three come back."""
    found = client.post("/v1/embeddings", json={"model": "auto", "input": [[picture("red")]]}).json()
    told = found["mlecs"]
    assert (told["answered_by"], told["model"], found["model"]) == ("edge", "edge@6-0123abcd", "edge@6-0123abcd")
    assert (told["modalities"], told["masked"], told["degraded"]) == (["image"], ["speech_fr", "speech_ru"], None)
    assert (told["bytes"], told["confidence"], told["estimated_joules"] > 0) == (0, None, True)
    told = client.post("/v1/embeddings", json={"model": "cloud", "input": [[picture("red")]]}).json()["mlecs"]
    assert (told["answered_by"], told["bytes"]) == ("cloud", 3 * 4 + 3 * 4)
    told = client.post("/v1/embeddings", json={"model": "cloud", "input": "red"}).json()["mlecs"]
    assert (told["bytes"], told["masked"]) == (len("red") + 3 * 4, [])
    told = client.post("/v1/embeddings", json={"model": "minilm", "input": "red"}).json()["mlecs"]
    assert (told["answered_by"], told["device"], told["estimated_joules"]) == ("encoder", None, None)


def test_a_search_tells_of_the_vector_that_it_made(client: TestClient) -> None:
    enrol(client, entry("red"))
    assert _search(client, input=[picture("red")]).json()["mlecs"]["answered_by"] == "cloud"
    assert _search(client, vector=[1, 0, 0]).json()["mlecs"] is None


def test_where_edge_and_cloud_meet_one_stands_in_for_vectors_that_are_not_kept(desk: Desk, client: TestClient) -> None:
    enrol(client, entry("red"))
    _down(desk)
    found = client.post("/v1/embeddings", json={"model": "auto", "input": [[picture("red")]]}).json()
    assert (found["model"], found["mlecs"]["answered_by"]) == ("cloud@6-0123abcd", "cloud")
    assert found["mlecs"]["degraded"] == "the edge could not answer: it does not answer"
    hit = _search(client, model="auto", input=[picture("red")]).json()
    assert (hit["data"][0]["id"], hit["mlecs"]["degraded"] is None) == ("red", False)
    assert client.post("/v1/embeddings", json={"model": "edge", "input": "red"}).status_code == 503


def test_nobody_stands_in_where_the_method_draws_models_to_no_common_place(tmp_path: Path) -> None:
    desk = fake_desk(tmp_path, method="standalone")
    _down(desk)
    with TestClient(fake_app(desk)) as client:
        for rows in ("red", [[picture("red")]]):
            assert client.post("/v1/embeddings", json={"model": "auto", "input": rows}).status_code == 503


def test_models_that_do_not_meet_cannot_be_compared(tmp_path: Path) -> None:
    """Of clients that learn alone: what one makes of a picture says nothing beside what another does, or words."""
    with TestClient(fake_app(fake_desk(tmp_path, method="standalone"))) as client:
        assert enrol(client, entry("red")).status_code == 200
        assert client.get("/v1/gallery").json()["data"][0]["space"] == "edge@6-0123abcd"
        assert _search(client, model="edge", input=[picture("red")]).status_code == 200
        assert _search(client, model="edge", vector=[1, 0, 0]).status_code == 200
        for query in ({"input": [picture("red")]}, {"model": "edge", "input": "red"}, {"vector": [1, 0, 0]}):
            refused = _search(client, **query)
            assert refused.status_code == 400
            assert "another space" in refused.json()["error"]["message"]
        assert enrol(client, entry("blue"), model="cloud").status_code == 400


def test_many_rows_are_two_calls_and_come_back_in_order(desk: Desk, client: TestClient) -> None:
    calls: list[tuple[str, int]] = []
    embed, embed_text = desk.edge.embed, desk.edge.embed_text

    async def seen(model: str, samples: Any) -> Any:
        calls.append(("embed", len(samples)))
        return await embed(model, samples)

    async def said(model: str, texts: Any) -> Any:
        calls.append(("embed_text", len(texts)))
        return await embed_text(model, texts)

    desk.edge.embed, desk.edge.embed_text = seen, said  # type: ignore[method-assign]
    rows = [[picture("red")], [{"type": "text", "text": "blue"}], [picture("lime")], [picture("blue")]]
    found = client.post("/v1/embeddings", json={"model": "edge", "input": rows}).json()["data"]
    assert [int(np.argmax(row["embedding"])) for row in found] == [0, 2, 1, 2]
    assert client.post("/v1/embeddings", json={"model": "edge", "input": ["red"] * 256}).status_code == 200
    assert calls == [("embed", 3), ("embed_text", 1), ("embed_text", 256)]


def test_a_version_on_trial_makes_no_vectors_unless_it_is_named(desk: Desk, client: TestClient) -> None:
    """One in ten requests would be its own; three hundred ids, and none is."""
    first, second = desk.registry.rollout.stable, write_artifact(desk.registry.store, 8, words=True)
    client.post("/v1/versions", json={"action": "try", "version": second})
    ask = {"model": "auto", "input": "red"}
    told = {
        client.post("/v1/embeddings", json=ask, headers={"X-Request-ID": str(i)}).json()["model"] for i in range(300)
    }
    assert told == {f"edge@{first}"}
    named = client.post("/v1/embeddings", json={**ask, "model": f"edge@{second}"}).json()
    assert named["model"] == f"edge@{second}"


def test_the_sentence_encoder_takes_no_picture_for_words(client: TestClient) -> None:
    refused = client.post("/v1/embeddings", json={"model": "minilm", "input": [[picture("red")]]})
    assert refused.status_code == 400
    assert "'minilm' reads words alone" in refused.json()["error"]["message"]
