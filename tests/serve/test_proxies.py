"""What clients read where a proxy has no answer for them."""

import json

import pytest
from starlette.types import Receive, Scope, Send

from serve.proxies import Unanswered, middlewares
from tests.serve.asgi import Line, body, scope
from tests.serve.virtual import run


async def silent(_: Scope, __: Receive, ___: Send) -> None:
    """As Serve's proxy where a replica dies before it has begun to answer."""


async def broken(_: Scope, __: Receive, send: Send) -> None:
    """As it is where a replica dies in the middle."""
    await send({"type": "http.response.start", "status": 200, "headers": []})


def test_who_got_no_answer_is_told_to_ask_again() -> None:
    line = Line(*body(b""))
    run(line.through(Unanswered(silent), scope()))
    assert line.status == 503
    assert b"retry-after" in dict(line.sent[0]["headers"])
    assert json.loads(line.sent[1]["body"])["error"]["type"] == "overloaded_error"


@pytest.mark.parametrize(("app", "kind"), [(broken, "http"), (silent, "websocket"), (silent, "lifespan")])
def test_nothing_follows_what_was_begun_or_is_no_request(app: object, kind: str) -> None:
    line = Line()
    run(line.through(Unanswered(app), {**scope(), "type": kind}))
    assert len(line.sent) == (app is broken)


def test_serve_is_given_it_as_a_middleware() -> None:
    (one,) = middlewares()
    assert one.cls is Unanswered
