"""HEAD wherever there is GET, as HTTP asks of servers (RFC 9110, 9.1): the same answer without its body."""

from typing import final

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@final
class Heads:
    """Wrap an ASGI app that knows GET alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def bare(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        # In place, as whoever stands around the app reads the route there.
        scope["method"] = "GET"
        await self._app(scope, receive, bare)
