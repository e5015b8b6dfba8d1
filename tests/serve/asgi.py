"""A client and a server around an ASGI app, without a socket."""

import asyncio
from collections.abc import Iterable
from typing import Any

from starlette.types import ASGIApp, Message, Scope

LEFT: Message = {"type": "http.disconnect"}


def scope(path: str = "/", method: str = "POST", headers: Iterable[tuple[str, str]] = (), **more: Any) -> Scope:
    """As uvicorn makes it."""
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    asgi = {"version": "3.0", "spec_version": "2.3"}
    shown = {"path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "http_version": "1.1"}
    return {"type": "http", "asgi": asgi, "method": method, "headers": raw, "scheme": "http", **shown, **more}


def body(*pieces: bytes) -> list[Message]:
    """A whole body, in these pieces."""
    last = len(pieces) - 1
    return [{"type": "http.request", "body": piece, "more_body": at < last} for at, piece in enumerate(pieces)]


class Line:
    """What a client sends over its connection, and what it got; it stays until it says ``LEFT``."""

    def __init__(self, *messages: Message, broken: bool = False) -> None:
        self.sent: list[Message] = []
        self._messages = list(messages)
        self._news = asyncio.Event()
        self._broken = broken

    def say(self, message: Message) -> None:
        """Later than the others."""
        self._messages.append(message)
        self._news.set()

    async def receive(self) -> Message:
        while not self._messages:
            self._news.clear()
            await self._news.wait()
        # Who has left does so for everyone who asks.
        return self._messages[0] if self._messages[0] == LEFT else self._messages.pop(0)

    async def send(self, message: Message) -> None:
        if self._broken:
            raise OSError("connection lost")
        self.sent.append(message)

    async def through(self, app: ASGIApp, scope: Scope) -> None:
        """Have the app serve it."""
        await app(scope, self.receive, self.send)

    @property
    def status(self) -> int:
        """Of the response, which is exactly one."""
        (start,) = [message for message in self.sent if message["type"] == "http.response.start"]
        return start["status"]

    @property
    def headers(self) -> dict[str, str]:
        """Of the response, none of them twice."""
        pairs = [(name.decode(), value.decode()) for name, value in self.sent[0]["headers"]]
        assert len(dict(pairs)) == len(pairs), pairs
        return dict(pairs)

    @property
    def body(self) -> bytes:
        """Of the response."""
        return b"".join(message.get("body", b"") for message in self.sent)
