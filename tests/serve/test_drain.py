"""A server that ends: who is inside is answered, who comes is refused."""

import asyncio
import json

from starlette.types import Receive, Scope, Send

from serve.drain import Drain
from tests.serve.asgi import Line, body, scope
from tests.serve.virtual import run, settle


class Slow:
    """An app that answers when it is told to."""

    def __init__(self) -> None:
        self.told = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.told.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})


def test_who_is_inside_is_answered_and_who_comes_is_refused() -> None:
    app, early, late = Slow(), Line(*body(b"")), Line(*body(b""))
    drain = Drain(app)

    async def play() -> None:
        inside = asyncio.ensure_future(early.through(drain, scope()))
        await settle()
        closing = asyncio.ensure_future(drain.close(60))
        await settle()
        await late.through(drain, scope())
        assert not closing.done()
        app.told.set()
        assert await closing
        await inside

    run(play())
    assert (early.status, late.status) == (200, 503)
    headers = dict(late.sent[0]["headers"])
    assert headers[b"retry-after"] == b"1"
    assert "nobody new is let in" in json.loads(late.sent[1]["body"])["error"]["message"]


def test_an_answer_that_does_not_end_is_not_waited_for_without_end() -> None:
    drain, line = Drain(Slow()), Line(*body(b""))

    async def play() -> bool:
        inside = asyncio.ensure_future(line.through(drain, scope()))
        await settle()
        whole = await drain.close(60)
        inside.cancel()
        return whole

    assert not run(play())


def test_a_lifespan_that_lasts_keeps_nobody_waiting() -> None:
    drain, line = Drain(Slow()), Line()

    async def play() -> bool:
        lifespan = asyncio.ensure_future(line.through(drain, {"type": "lifespan"}))
        await settle()
        whole = await drain.close(60)
        lifespan.cancel()
        return whole

    assert run(play())
