"""What Ray Serve's proxies say where no gateway does: a replica that dies leaves those whom it was answering alone.

Proxies find this by a variable of their environment; they import neither models nor the gateway's app.
"""

import json
from typing import Final

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

VARIABLE: Final = "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"
IMPORT_PATH: Final = "serve.proxies:middlewares"
_MESSAGE: Final = "the gateway ended before it had answered; another one starts, so ask again"
_BODY: Final = json.dumps(
    {"error": {"message": _MESSAGE, "type": "overloaded_error", "param": None, "code": None}}
).encode()
_HEADERS: Final = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(_BODY)).encode()),
    (b"retry-after", b"5"),
]


class Unanswered:
    """Wrap the proxy's app: a request that gets no answer from it gets 503, which clients try again, and not 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        begun = scope["type"] != "http"

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        await self._app(scope, receive, sent)
        if not begun:
            await send({"type": "http.response.start", "status": 503, "headers": _HEADERS})
            await send({"type": "http.response.body", "body": _BODY})


def middlewares() -> list[Middleware]:
    """What Serve puts around each of its proxies."""
    return [Middleware(Unanswered)]
