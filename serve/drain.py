"""The end of a server: who is inside is answered, and nobody else is let in."""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from serve.faults import respond


class Drain:
    """Wrap an ASGI app: once closed, it refuses whoever comes, and knows when the last one inside has left."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._inside, self._closed = app, 0, False
        self._empty = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or refuse it."""
        if scope["type"] != "http":
            # The app's lifespan lasts for as long as the server.
            await self._app(scope, receive, send)
        elif self._closed:
            refusal = respond(503, "the server is ending, so nobody new is let in", {"Connection": "close"})
            await refusal(scope, receive, send)
        else:
            await self._enter(scope, receive, send)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._inside += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._inside -= 1
            self._look()

    async def close(self, seconds: float) -> bool:
        """Let nobody in from now on; whether all who were inside have left within ``seconds``."""
        self._closed = True
        self._look()
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    def _look(self) -> None:
        if self._closed and not self._inside:
            self._empty.set()
