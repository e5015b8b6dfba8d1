"""Around every request: its id, its body's limits, security headers, and what is told of it at its end.

Pure ASGI: pieces of a response go through as they come, and the app hears of a client that leaves.
"""

import time
from collections.abc import Callable
from typing import final

from starlette.types import ASGIApp, Receive, Scope, Send

from serve.clocks import Clock
from serve.exchange import Exchange, Rules, header
from serve.metrics import Metrics
from serve.observe import RECORD, Record, line, request_id, write


@final
class Middleware:
    """Wrap an ASGI app; ``record_of(scope)`` is where the app adds what it learns."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        rules: Rules | None = None,
        log: Callable[[str], object] = write,
        clock: Clock = time.monotonic,
    ) -> None:
        """``log`` is given one line of JSON at each request's end."""
        self._app, self._metrics, self._rules = app, metrics, rules or Rules()
        self._log, self._clock = log, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a web socket or a lifespan goes by untouched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = Record(request_id(header(scope, b"x-request-id")), scope["method"], clock=self._clock)
        scope = {**scope, RECORD: record}
        exchange = Exchange(scope, receive, send, record, self._rules)
        self._metrics.begin()
        try:
            await exchange.run(self._app)
        finally:
            record.route = record.route or getattr(scope.get("route"), "path", None)
            record.end(exchange.status)
            self._metrics.end(record)
            self._log(line(record))
