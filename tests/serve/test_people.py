"""People over HTTP: a gallery that the teacher in the cloud has made, searched by the student at the edge."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient

from mlecs_ray.run.artifact import TEACHER
from mlecs_ray.run.bundle import Bundle
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.deal import read
from serve.assembly import local_desk, make_gateway
from serve.settings import Settings
from tests.serving import found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scenario, Bundle]:
    return found.run(tmp_path_factory.mktemp("served"), "borrowed eyes")


@pytest.fixture(scope="module")
def client(served: tuple[Scenario, Bundle]) -> Iterator[TestClient]:
    bundle = served[1]
    settings = Settings(
        store=str(bundle.folder.parent), version=bundle.version, gallery=str(bundle.folder.parents[1] / "gallery")
    )
    with found.world(bundle.folder.parents[1]):
        app = make_gateway(settings, local_desk(settings))
        with TestClient(app, base_url="http://localhost") as made:
            yield made


@pytest.fixture(scope="module")
def test(served: tuple[Scenario, Bundle]) -> Samples:
    with found.world(served[1].folder.parents[1]):
        return read(served[0]).test


def part(test: Samples, row: int, modality: str) -> dict[str, Any]:
    """A picture, as a request brings it."""
    out = io.BytesIO()
    pixels = test.inputs[modality][row].expand(3, -1, -1).permute(1, 2, 0).contiguous()
    Image.fromarray(pixels.numpy()).save(out, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
    return {"type": "image_url", "image_url": {"url": url}, "modality": modality}


def rows_of(test: Samples, modality: str) -> list[int]:
    """One row of each identity that has it."""
    assert test.labels is not None
    there = {int(test.labels[row]): row for row in test.present[modality].nonzero()[:, 0].tolist()}
    return list(there.values())


def enrol(client: TestClient, test: Samples, gallery: str, model: str) -> dict[int, str]:
    """One visible picture of each identity; row -> identity."""
    assert test.labels is not None
    names = {row: f"p{int(test.labels[row])}" for row in rows_of(test, "rgb")}
    entries = [
        {"id": str(row), "input": [part(test, row, "rgb")], "identity": name, "camera": "a"}
        for row, name in names.items()
    ]
    answer = client.post(f"/v1/gallery/{gallery}", json={"model": model, "entries": entries})
    assert answer.status_code == 200, answer.text
    assert answer.json()["model"].startswith(TEACHER if model == TEACHER else "model@")
    return names


def vectors(client: TestClient, model: str, *contents: Any) -> torch.Tensor:
    """(n, d)."""
    answer = client.post("/v1/embeddings", json={"model": model, "input": list(contents)}).json()
    return torch.tensor([row["embedding"] for row in answer["data"]])


def test_both_are_listed(client: TestClient) -> None:
    sides = {card["id"]: card["side"] for card in client.get("/v1/models").json()["data"]}
    assert sides[TEACHER] == "cloud"
    assert sides["model"] == "edge"


@pytest.mark.parametrize("modality", ["rgb", "ir"])
def test_the_student_searches_what_the_teacher_has_made(client: TestClient, test: Samples, modality: str) -> None:
    """Scores are the cosines of the student's vector with those of the teacher."""
    gallery = f"watch-{modality}"
    names = enrol(client, test, gallery, TEACHER)
    query = part(test, rows_of(test, modality)[0], modality)
    hits = client.post("/v1/search", json={"model": "edge", "gallery": gallery, "input": [query], "top_k": 9}).json()
    assert hits["model"].startswith("model@")
    assert {hit["identity"] for hit in hits["data"]} == set(names.values())
    mine = vectors(client, "edge", [query])[0]
    theirs = vectors(client, TEACHER, *([part(test, int(hit["id"]), "rgb")] for hit in hits["data"]))
    assert [hit["score"] for hit in hits["data"]] == pytest.approx((theirs @ mine).tolist(), abs=1e-3)


def test_a_picture_is_most_like_itself_by_either(client: TestClient, test: Samples) -> None:
    for model in ("edge", TEACHER):
        names = enrol(client, test, f"own-{model}", model)
        for row, name in names.items():
            ask = {"model": model, "gallery": f"own-{model}", "input": [part(test, row, "rgb")]}
            hits = client.post("/v1/search", json=ask).json()["data"]
            own = next(hit["score"] for hit in hits if hit["identity"] == name)
            # Networks of random weights see all of them nearly alike.
            assert own == pytest.approx(1, abs=1e-4)
            assert own >= hits[0]["score"] - 1e-4


@pytest.mark.parametrize("model", ["edge", TEACHER])
def test_who_has_learned_no_sentences_reads_none(client: TestClient, model: str) -> None:
    refused = client.post("/v1/embeddings", json={"model": model, "input": "a man in red"})
    assert refused.status_code == 400
    assert "reads no sentences" in refused.json()["error"]["message"]


def test_what_an_answer_costs_is_told_of_whom_gave_it(client: TestClient, test: Samples) -> None:
    row = rows_of(test, "rgb")[0]
    told = {}
    for model in ("edge", TEACHER):
        ask = {"model": model, "input": [[part(test, row, "rgb")]]}
        told[model] = client.post("/v1/embeddings", json=ask).json()["mlecs"]
    assert told["edge"]["answered_by"] == "edge"
    assert told[TEACHER]["answered_by"] == "cloud"
    assert told["edge"]["bytes"] == 0
    assert told[TEACHER]["bytes"] > 0
    assert told[TEACHER]["estimated_joules"] > 0


@pytest.mark.parametrize("model", ["edge", TEACHER])
def test_nobody_here_talks_or_tells_classes(client: TestClient, test: Samples, model: str) -> None:
    shown = part(test, rows_of(test, "rgb")[0], "rgb")
    refused = client.post("/v1/classify", json={"model": model, "input": [shown]})
    assert refused.status_code == 400
    assert "finds people" in refused.json()["error"]["message"]
    talk = {"model": model, "messages": [{"role": "user", "content": "who is it?"}]}
    refused = client.post("/v1/chat/completions", json=talk)
    assert refused.status_code == 400
    assert "finds people" in refused.json()["error"]["message"]
