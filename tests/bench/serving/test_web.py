"""The asker with a watch, against a real socket."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from bench.serving.web import Web
from serve.models import Refusal
from tests.serve.fakes import FakeSide, fake_app, fake_desk


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    desk = fake_desk(tmp_path)
    desk.answering.cloud = FakeSide(refuses=Refusal("full", "come again"))
    server = uvicorn.Server(uvicorn.Config(fake_app(desk), "127.0.0.1", 0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        pass
    yield Web(server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    thread.join()


def test_an_answer_is_timed_and_counted(web: Web) -> None:
    reply = web.chat("edge", "hello")
    assert (reply.status, reply.text, reply.tokens) == (200, "A red square.", 3)
    assert 0 < reply.first_seconds <= reply.seconds
    assert reply.told["answered_by"] == "edge"


def test_a_refusal_is_told(web: Web) -> None:
    reply = web.chat("cloud", "hello")
    assert (reply.status, reply.tokens) == (503, 0)
    assert "come again" in reply.told["message"]


def test_pages_and_whole_answers(web: Web) -> None:
    assert web.get("/healthz") == (200, {"status": "ok"})
    assert web.post("/v1/classify", {})[0] == 400


def test_a_connection_is_used_again_and_a_closed_one_replaced(web: Web) -> None:
    assert web.number("mlecs_in_flight") == 1
    kept = web._own.connection
    assert web.chat("edge", "hello").status == 200
    assert web._own.connection is kept
    kept.sock.close()
    kept.sock = _Shut()
    assert web.chat("edge", "hello").status == 200
    assert web._own.connection is not kept


class _Shut:
    """A socket whose other end has closed it."""

    def sendall(self, *_: object) -> None:
        raise BrokenPipeError

    def close(self) -> None:
        pass
