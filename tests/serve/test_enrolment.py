"""Galleries over HTTP: made, listed, and whose they are."""

import logging
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serve.clocks import utc_now
from serve.desk import Desk
from serve.keyfile import Role, add, issue
from serve.limits import Limits
from serve.models import Refusal
from tests.serve.colours import enrol, entry, picture
from tests.serve.fakes import FakeSide, fake_app, write_artifact


def test_entries_are_listed_removed_and_dropped(client: TestClient) -> None:
    enrol(client, entry("red"), {**entry("blue"), "id": "a/b"})
    assert [one["id"] for one in client.get("/v1/gallery/colours?limit=1").json()["data"]] == ["a/b"]
    assert client.delete("/v1/gallery/colours/a/b").json() == {"id": "a/b", "deleted": True}
    assert client.delete("/v1/gallery/colours/a/b").json()["deleted"] is False
    assert client.get("/v1/gallery").json()["data"][0]["entries"] == 1
    assert client.delete("/v1/gallery/colours").json()["deleted"] is True
    assert client.get("/v1/gallery/colours").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"input": [picture("red")], "vector": [1.0]},
        {},
        {"vector": [0.0, 0.0, 0.0]},
        {"vector": [1.0, 2.0]},
        {"input": [picture("red")], "thumbnail": "data:text/html;base64,AAAA"},
        {"input": [picture("red")], "thumbnail": "no url"},
        {"input": [picture("red")], "metadata": {"note": "x" * 5000}},
    ],
)
def test_what_cannot_be_enrolled_is_refused_whole(client: TestClient, wrong: dict[str, Any]) -> None:
    enrol(client, entry("red"))
    assert enrol(client, entry("blue"), wrong).status_code == 400
    assert client.get("/v1/gallery").json()["data"][0]["entries"] == 1


@pytest.mark.parametrize("name", ["..", "a b", ".hidden", "x" * 65])
def test_names_that_are_none_are_refused(client: TestClient, name: str) -> None:
    assert client.post(f"/v1/gallery/{name}", json={"model": "edge", "entries": [entry("red")]}).status_code in (
        400,
        404,
        405,
    )


def test_what_is_enrolled_tells_who_made_its_vector(client: TestClient) -> None:
    told = enrol(client, entry("red")).json()["mlecs"]
    assert (told["answered_by"], told["model"], told["modalities"]) == ("edge", "edge@6-0123abcd", ["image"])
    assert enrol(client, {"vector": [1, 0, 0]}).json()["mlecs"] is None


def test_vectors_of_a_stand_in_are_not_put_beside_others(desk: Desk, client: TestClient) -> None:
    enrol(client, entry("red"), model="auto")
    assert isinstance(desk.edge, FakeSide)
    desk.edge.refuses = Refusal("down", "it does not answer")
    assert enrol(client, entry("blue"), model="auto").status_code == 503
    assert enrol(client, entry("blue"), model="cloud").json()["mlecs"]["answered_by"] == "cloud"


def test_a_gallery_is_never_made_in_a_version_on_trial_unless_it_is_named(desk: Desk, client: TestClient) -> None:
    """Were it not for that, each request would be its own."""
    first, second = desk.registry.rollout.stable, write_artifact(desk.registry.store, 8, words=True)
    client.post("/v1/versions", json={"action": "try", "version": second})
    desk.registry.rollout.draw = lambda: 0.0
    assert desk.registry.rollout.choose() == second
    for one in (entry("red"), {"id": "red", "vector": [1, 0, 0]}):
        made = enrol(client, one).json()
        assert made["model"] == f"edge@{first}"
        assert client.get("/v1/gallery").json()["data"][0]["space"] == first
        client.delete("/v1/gallery/colours")
    assert enrol(client, entry("red"), model=f"edge@{second}").json()["model"] == f"edge@{second}"


class Doors:
    """A gateway with three keys."""

    def __init__(self, desk: Desk, file: Path) -> None:
        roles: dict[str, Role] = {"ann": "user", "ben": "user", "boss": "admin"}
        self._keys: dict[str, str] = {}
        for name, role in roles.items():
            key, self._keys[name] = issue(name, utc_now(), roles=frozenset({role}), limits=Limits(600, 100, 4))
            add(file, key)
        self._client = TestClient(fake_app(desk, file))

    def __call__(self, name: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._keys[name]}"}
        answer = self._client.request(method, f"/v1/gallery{path}", json=body, headers=headers)
        return answer.status_code, answer.json()


@pytest.fixture
def doors(desk: Desk, tmp_path: Path) -> Doors:
    return Doors(desk, tmp_path / "keys")


def _vector(name: str) -> dict[str, Any]:
    return {"model": "edge", "entries": [{"id": name, "vector": [1, 0, 0]}]}


@pytest.mark.parametrize("path", ["/g", "/g/a"])
def test_only_the_key_that_made_a_gallery_or_an_admin_takes_something_out_of_it(doors: Doors, path: str) -> None:
    for owner, other in (("ann", "ann"), ("ann", "boss"), ("ben", "ben")):
        assert doors(owner, "POST", "/g", _vector("a"))[0] == 200
        stranger = "ben" if owner == "ann" else "ann"
        status, answer = doors(stranger, "DELETE", path)
        assert (status, answer["error"]["type"]) == (403, "permission_error")
        assert owner not in answer["error"]["message"]
        assert doors(other, "DELETE", path) == (200, {"id": path[1:].removeprefix("g/"), "deleted": True})
        doors("boss", "DELETE", "/g")


def test_others_may_add_to_a_gallery_and_search_it_but_replace_nothing(doors: Doors) -> None:
    doors("ann", "POST", "/g", _vector("a"))
    assert doors("ben", "POST", "/g", _vector("b"))[0] == 200
    status, answer = doors("ben", "POST", "/g", _vector("a"))
    assert (status, "replaces entries" in answer["error"]["message"]) == (403, True)
    assert [one["id"] for one in doors("ben", "GET", "/g")[1]["data"]] == ["a", "b"]
    # What another added is the gallery's.
    for name in ("ann", "boss"):
        assert doors(name, "POST", "/g", _vector("b"))[0] == 200
    assert doors("ben", "DELETE", "/g")[0] == 403
    assert "owner" not in str(doors("ben", "GET", "")[1])


def test_who_may_not_is_counted(doors: Doors, capsys: pytest.CaptureFixture[str]) -> None:
    doors("ann", "POST", "/g", _vector("a"))
    doors("ben", "DELETE", "/g")
    assert '"refused": "role"' in capsys.readouterr().out.splitlines()[-1]


def _damage(desk: Desk, gallery: str) -> None:
    folder = desk.registry.store.parent / "gallery" / f"{gallery}.lance"
    for file in folder.glob("data/*"):
        file.write_bytes(b"")


def test_a_damaged_gallery_is_the_servers_fault_and_tells_no_folder(
    desk: Desk, client: TestClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    enrol(client, entry("red"))
    _damage(desk, "colours")
    with caplog.at_level(logging.ERROR):
        answer = client.get("/v1/gallery/colours")
    assert (answer.status_code, answer.json()["error"]["type"]) == (500, "server_error")
    assert "gallery 'colours' is damaged" in answer.text
    assert str(tmp_path) not in answer.text
    assert str(tmp_path) in caplog.text
    search = {"model": "edge", "gallery": "colours", "input": "red"}
    assert client.post("/v1/search", json=search).status_code == 500


def test_beside_a_damaged_gallery_others_are_listed_and_an_admin_may_drop_it(doors: Doors, desk: Desk) -> None:
    for name in ("g", "h"):
        doors("ann", "POST", f"/{name}", _vector("a"))
    manifest = next((desk.registry.store.parent / "gallery" / "g.lance" / "_versions").glob("*.manifest"))
    manifest.write_bytes(b"")
    listed = {one["id"]: one for one in doors("ann", "GET", "")[1]["data"]}
    assert listed["g"] == {"id": "g", "space": None, "width": None, "entries": None, "damaged": True}
    assert (listed["h"]["entries"], listed["h"]["damaged"]) == (1, False)
    # Nobody can read whose it is.
    assert doors("ann", "DELETE", "/g")[0] == 403
    assert doors("boss", "DELETE", "/g")[0] == 200
    assert [one["id"] for one in doors("ann", "GET", "")[1]["data"]] == ["h"]
