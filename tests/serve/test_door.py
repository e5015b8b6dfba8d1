"""Who comes in, and who does not."""

import asyncio
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from serve.admission import Admission, Gate, Room
from serve.assembly import make_gateway
from serve.clocks import utc_now
from serve.door import KEY, LOOPBACK, Door
from serve.exchange import Rules
from serve.faults import respond
from serve.gateway import ADMIN, ANYONE, Opening, make_app
from serve.keyfile import Key, add, issue, remove
from serve.keys import Keys
from serve.limits import KeyLimits, Limits
from serve.middleware import Middleware
from serve.observe import RECORD, Record
from serve.settings import Settings
from tests.serve.asgi import Line, body, scope
from tests.serve.fakes import FakeSide, fake_app, fake_desk
from tests.serve.virtual import Clock, run, settle

CHAT = {"model": "edge", "messages": [{"role": "user", "content": "hello"}]}


def _key(path: Path, name: str = "ann", **told: object) -> str:
    key, presented = issue(name, utc_now(), **told)  # type: ignore[arg-type]
    add(path, key)
    return presented


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_without_a_key_only_a_few_paths_are_open(tmp_path: Path) -> None:
    _key(tmp_path / "keys")
    with TestClient(fake_app(fake_desk(tmp_path), tmp_path / "keys")) as client:
        for path in ("/", "/healthz", "/readyz", "/openapi.json", "/page/index.html"):
            assert client.get(path).status_code == 200, path
        for path in ("/v1/models", "/metrics", "/v1/versions"):
            refused = client.get(path)
            assert refused.status_code == 401
            assert refused.json()["error"]["type"] == "authentication_error"
            assert refused.headers["WWW-Authenticate"] == "Bearer"
        assert client.post("/v1/chat/completions", json=CHAT).status_code == 401


def test_a_key_opens_and_a_wrong_or_removed_one_does_not(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    key = _key(file)
    keys = Keys(file, clock=iter(range(10**6)).__next__)
    with TestClient(make_app(fake_desk(tmp_path), keys, Opening())) as client:
        assert client.post("/v1/chat/completions", json=CHAT, headers=_bearer(key)).status_code == 200
        assert client.post("/v1/chat/completions", json=CHAT, headers=_bearer(key + "x")).status_code == 401
        remove(file, "ann")
        assert client.post("/v1/chat/completions", json=CHAT, headers=_bearer(key)).status_code == 401


def test_a_key_has_limits_of_its_own_and_is_told_when_to_come_back(tmp_path: Path) -> None:
    key = _key(tmp_path / "keys", limits=Limits(per_minute=6, burst=2, concurrent=1))
    with TestClient(fake_app(fake_desk(tmp_path), tmp_path / "keys")) as client:
        for _ in range(2):
            assert client.get("/v1/models", headers=_bearer(key)).status_code == 200
        refused = client.get("/v1/models", headers=_bearer(key))
        assert refused.status_code == 429
        assert 9 <= int(refused.headers["Retry-After"]) <= 10
        assert refused.json()["error"]["type"] == "rate_limit_error"


def test_only_admins_change_versions(tmp_path: Path) -> None:
    user = _key(tmp_path / "keys")
    admin = _key(tmp_path / "keys", "boss", roles=frozenset({"admin"}))
    with TestClient(fake_app(fake_desk(tmp_path), tmp_path / "keys")) as client:
        order = {"action": "promote"}
        assert client.post("/v1/versions", json=order, headers=_bearer(user)).status_code == 403
        assert client.get("/v1/versions", headers=_bearer(user)).status_code == 200
        assert client.post("/v1/versions", json=order, headers=_bearer(admin)).status_code == 400


@pytest.mark.parametrize("scheme", ["", "Basic ", "bearer  "])
def test_other_schemes_are_no_key(tmp_path: Path, scheme: str) -> None:
    _key(tmp_path / "keys")
    with TestClient(fake_app(fake_desk(tmp_path), tmp_path / "keys")) as client:
        assert client.get("/v1/models", headers={"Authorization": f"{scheme}x"}).status_code == 401


def test_a_body_that_is_too_large_is_refused(tmp_path: Path) -> None:
    desk = fake_desk(tmp_path)
    store = Path(desk.registry.store)
    settings = Settings(store=str(store), version=desk.registry.rollout.stable, gallery=str(tmp_path / "g"))
    with TestClient(make_gateway(settings, desk)) as client:
        body = {**CHAT, "messages": [{"role": "user", "content": "x" * 34_000_000}]}
        assert client.post("/v1/chat/completions", json=body).status_code == 413


def test_a_full_house_says_when_to_come_back(tmp_path: Path) -> None:
    """One place, nobody may wait: the second is refused while the first is still answered."""
    desk, gate = fake_desk(tmp_path), threading.Event()
    desk.answering.edge = FakeSide(gate=gate)
    with TestClient(make_app(desk, None, Opening(slots=1, queue=0))) as client:
        first: list[int] = []
        thread = threading.Thread(
            target=lambda: first.append(client.post("/v1/chat/completions", json=CHAT).status_code)
        )
        thread.start()
        while not desk.answering.edge.asked:
            pass
        refused = client.post("/v1/chat/completions", json=CHAT)
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.json()["error"]["type"] == "overloaded_error"
        gate.set()
        thread.join()
        assert first == [200]
        assert client.post("/v1/chat/completions", json=CHAT).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("[::1]", 200),
        ("127.0.0.2:8000", 200),
        ("evil.example", 403),
        ("10.0.0.1", 403),
        ("", 403),
    ],
)
def test_without_keys_only_this_machines_own_names_are_served(tmp_path: Path, host: str, status: int) -> None:
    """A page of a stranger could else lead its own name to this machine and ask as anyone here."""
    with TestClient(make_app(fake_desk(tmp_path), None, Opening(hosts=LOOPBACK))) as client:
        assert client.get("/v1/models", headers={"Host": host}).status_code == status


def test_bodies_of_all_keys_together_have_a_limit(tmp_path: Path) -> None:
    desk = fake_desk(tmp_path)
    gate = Gate(Admission(8, 8), KeyLimits(), Room(1000))
    door = Door(make_app(desk, None, Opening()), None, gate, ANYONE, ADMIN)
    with TestClient(Middleware(door, desk.metrics, Rules(), lambda _: None)) as client:
        for _ in range(20):
            assert client.post("/v1/chat/completions", json=CHAT).status_code == 200
        refused = client.post("/v1/chat/completions", json=CHAT | {"user": "x" * 1000})
        assert (refused.status_code, refused.json()["error"]["type"]) == (503, "overloaded_error")
        assert client.post("/v1/chat/completions", json=CHAT).status_code == 200


def test_it_is_not_ready_while_nobody_can_be_asked(tmp_path: Path) -> None:
    desk = fake_desk(tmp_path)
    assert isinstance(desk.edge, FakeSide)
    assert isinstance(desk.cloud, FakeSide)
    with TestClient(fake_app(desk)) as client:
        desk.edge.away = True
        assert client.get("/readyz").status_code == 200
        desk.cloud.away = True
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "down"})
        desk.edge.away = False
        assert client.get("/readyz").status_code == 200


def test_a_keys_limits_hold_before_its_body_is_read(tmp_path: Path) -> None:
    key = _key(tmp_path / "keys", limits=Limits(per_minute=6, burst=1, concurrent=1))
    with TestClient(fake_app(fake_desk(tmp_path), tmp_path / "keys")) as client:
        assert client.get("/v1/models", headers=_bearer(key)).status_code == 200
        assert client.post("/v1/chat/completions", content=b"{}", headers=_bearer(key)).status_code == 429


class Rooms:
    """A door on virtual time: an app that answers after a second, and keys that are their owners' names."""

    def __init__(self, slots: int, queue: int, own: Limits) -> None:
        clock = Clock()
        self.gate = Gate(Admission(slots, queue, clock), KeyLimits(clock))
        self.inside: list[str] = []
        self.most: Counter[str] = Counter()
        self._own = own
        self._door = Door(self._app, self, self.gate, ANYONE, frozenset())

    def check(self, presented: str) -> Key:
        return Key(presented, "0" * 64, utc_now(), limits=self._own)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope[KEY].name
        self.inside.append(name)
        self.most["all"] = max(self.most["all"], len(self.inside))
        self.most[name] = max(self.most[name], self.inside.count(name))
        try:
            await asyncio.sleep(1)
            await respond(200, "")(scope, receive, send)
        finally:
            self.inside.remove(name)

    async def ask(self, name: str) -> int:
        """The status of the answer."""
        line = Line(*body(b"{}"))
        asked = scope("/v1/search", headers=[("Authorization", f"Bearer {name}")], **{RECORD: Record("r1")})
        await line.through(self._door, asked)
        return line.status


def test_one_key_cannot_fill_the_line_of_all() -> None:
    """Of three requests of one key one runs, one waits, one is refused; another key's waits behind them."""

    async def main() -> list[int]:
        rooms = Rooms(1, 2, Limits(burst=10, concurrent=2))
        return await asyncio.gather(*map(rooms.ask, ("ann", "ann", "ann", "bob")))

    assert run(main()) == [200, 200, 429, 200]


def test_a_key_is_free_again_when_the_server_did_not_let_it_in() -> None:
    async def main() -> list[int]:
        rooms = Rooms(1, 0, Limits(burst=10, concurrent=1))
        first = await asyncio.gather(rooms.ask("ann"), rooms.ask("bob"))
        return [*first, await rooms.ask("bob")]

    assert run(main()) == [200, 503, 200]


def test_who_leaves_the_line_or_the_room_leaves_nothing_behind() -> None:
    async def main() -> list[int]:
        rooms = Rooms(1, 1, Limits(burst=10, concurrent=1))
        asked = [asyncio.ensure_future(rooms.ask(name)) for name in ("ann", "bob")]
        await settle()
        assert (rooms.gate.admission.running, rooms.gate.admission.waiting) == (1, 1)
        for one in reversed(asked):
            one.cancel()
            await settle()
        return await asyncio.gather(rooms.ask("ann"), rooms.ask("bob"))

    assert run(main()) == [200, 200]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["ann", "bob", "eve"]), max_size=30), st.integers(1, 3), st.integers(1, 3))
def test_both_limits_hold_at_once_and_all_is_given_back(names: list[str], slots: int, concurrent: int) -> None:
    async def main() -> None:
        rooms = Rooms(slots, 100, Limits(6000, 1000, concurrent))
        assert set(await asyncio.gather(*map(rooms.ask, names))) <= {200, 429}
        assert rooms.most["all"] <= slots
        assert all(rooms.most[name] <= concurrent for name in names)
        assert rooms.gate.admission.running == 0
        assert await asyncio.gather(*map(rooms.ask, sorted(set(names)))) == [200] * len(set(names))

    run(main())
