"""One request and its response as they pass: counted, limited, and answered where the app cannot."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlecs_ray.errors import InputError
from serve.observe import Record

Headers = tuple[tuple[bytes, bytes], ...]

SECURITY: Final[Headers] = (
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
        b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
"""For the page that the server shows; a response that has its own keeps it."""

CLIENT_LEFT: Final = 499
"""nginx's status for the log, as nobody is there to read one."""


@dataclass(frozen=True)
class Rules:
    """What a request may take. Raises InputError where no request could be answered."""

    body_bytes: int = 16 * 2**20
    body_values: int = 200_000
    """Commas, and so numbers, names and all else that JSON has, but for one in each list: to read more takes so long
    that others wait."""
    body_seconds: float = 30.0
    """That the server may wait for a body in all, while the app asks for it."""
    echo_request_id: bool = True
    """Off behind Ray Serve's proxy, which sends the header itself: it would stand there twice."""

    def __post_init__(self) -> None:
        if self.body_bytes < 0 or self.body_values < 0 or not self.body_seconds > 0:
            raise InputError(
                f"body_bytes={self.body_bytes} and body_values={self.body_values} must be 0 or above and "
                f"body_seconds={self.body_seconds} above 0, or every request is refused"
            )


def header(scope: Scope, name: bytes) -> str | None:
    """A request's first header of this name, which is in small letters."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return None


@dataclass(frozen=True)
class _Verdict:
    """An answer in the app's stead."""

    status: int
    kind: str
    """OpenAI's name of it."""
    reason: str
    message: str
    close: bool = True
    """The connection, as the rest of a body may still come."""


_FAILED: Final = _Verdict(
    500, "server_error", "failure", "the server failed; its log has more under this request id", close=False
)


class Stopped(Exception):
    """Ends an app that waits for a body which is not to come."""


class Exchange:
    """One request and its response, counted as they pass."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, record: Record, rules: Rules) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._record, self._rules = record, rules
        self._seconds = rules.body_seconds
        self._values = 0
        self._whole = False
        self._verdict: _Verdict | None = None
        self._started: int | None = None
        self._ended = False
        self._left = False

    @property
    def status(self) -> int:
        """For the log."""
        if self._left:
            return CLIENT_LEFT
        if self._verdict is not None:
            return self._verdict.status
        # Servers answer 500 for an app that says nothing.
        return self._started or 500

    async def run(self, app: ASGIApp) -> None:
        """Let the app answer, or answer in its stead."""
        try:
            await self._ask(app)
        except asyncio.CancelledError:
            # Ray Serve cancels the request when its client leaves.
            self._left = self._left or not self._ended
            raise
        except Exception as error:
            if self._left and isinstance(error, OSError | ClientDisconnect):
                return
            if self._verdict is None:
                await self._fail()
                # The server's log wants the traceback.
                raise
            if self._started is not None:
                raise
        if self._verdict is not None:
            await self._answer(self._verdict)

    async def _fail(self) -> None:
        # What fails after the response's end, as a background task, was no part of it.
        if not self._ended:
            self._verdict = _FAILED
            await self._answer(_FAILED)

    async def _ask(self, app: ASGIApp) -> None:
        declared = header(self._scope, b"content-length") or ""
        if declared.isdecimal() and int(declared) > self._rules.body_bytes:
            self._refuse_size(f"of {declared} bytes")
        else:
            await app(self._scope, self.receive, self.send)

    async def receive(self) -> Message:
        """The next message of the client, unless its body is too large or too slow."""
        if self._verdict is not None:
            raise Stopped
        message = await self._rest() if self._whole else await self._timely()
        if message["type"] == "http.disconnect":
            # After the response's end this is no news, and comes to everyone who asks.
            self._left = self._left or not self._ended
            self._whole = True
        else:
            self._count(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._values > self._rules.body_values:
                await self._refuse_values()
        return message

    async def _rest(self) -> Message:
        """What comes behind a body is that the client has left, which Ray Serve's proxy raises where it has ended the
        request by then."""
        try:
            return await self._receive()
        except Exception:
            return {"type": "http.disconnect"}

    async def _timely(self) -> Message:
        # Only the wait counts: an app that is slow to ask is not the client's fault.
        clock = asyncio.get_running_loop().time
        since = clock()
        try:
            async with asyncio.timeout(self._seconds):
                return await self._receive()
        except TimeoutError:
            limit = self._rules.body_seconds
            message = f"the body took more than {limit:g} s, so it was not read"
            self._refuse(_Verdict(408, "timeout_error", "body_seconds", message))
            raise Stopped from None
        finally:
            self._seconds -= clock() - since

    def _count(self, piece: bytes) -> None:
        self._record.bytes_in += len(piece)
        if self._record.bytes_in > self._rules.body_bytes:
            self._refuse_size(f"of {self._record.bytes_in} bytes or more")
            raise Stopped
        self._values += piece.count(b",")

    async def _refuse_values(self) -> None:
        # Not before its end: while a client sends it would not hear why it is refused.
        while not self._whole:
            message = await self._timely()
            self._left = self._left or message["type"] == "http.disconnect"
            self._count(message.get("body", b""))
            self._whole = self._left or not message.get("more_body", False)
        told = f"a body with {self._values:,} commas must have at most {self._rules.body_values:,}: ask in parts"
        self._refuse(_Verdict(413, "invalid_request_error", "body_values", told, close=False))
        raise Stopped

    def _refuse_size(self, size: str) -> None:
        message = f"a body {size} must have at most {self._rules.body_bytes}, so it was not read"
        self._refuse(_Verdict(413, "invalid_request_error", "body_bytes", message))

    def _refuse(self, verdict: _Verdict) -> None:
        self._verdict = verdict
        self._record.refused = verdict.reason

    async def send(self, message: Message) -> None:
        """Pass the app's message on, unless the request was refused under its hands."""
        if self._verdict is not None and self._started is None:
            return
        if message["type"] == "http.response.start":
            self._started = message["status"]
            message = {**message, "headers": self._headers(message.get("headers", ()))}
        elif message["type"] == "http.response.body":
            self._record.bytes_out += len(message.get("body", b""))
            self._ended = not message.get("more_body", False)
        elif message["type"] == "http.response.pathsend":
            self._ended = True
        try:
            await self._send(message)
        except OSError:
            self._left = True
            raise

    def _headers(self, given: Iterable[Any]) -> list[tuple[bytes, bytes]]:
        kept = [(bytes(name).lower(), bytes(value)) for name, value in given]
        if self._rules.echo_request_id:
            kept = [(name, value) for name, value in kept if name != b"x-request-id"]
            kept.append((b"x-request-id", self._record.request_id.encode()))
        names = {name for name, _ in kept}
        return kept + [(name, value) for name, value in SECURITY if name not in names]

    async def _answer(self, verdict: _Verdict) -> None:
        if self._started is not None or self._left:
            return
        error = {"message": verdict.message, "type": verdict.kind, "param": None, "code": verdict.reason}
        body = json.dumps({"error": {**error, "request_id": self._record.request_id}}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if verdict.close:
            headers.append((b"connection", b"close"))
        start = {"type": "http.response.start", "status": verdict.status, "headers": self._headers(headers)}
        self._started, self._ended = verdict.status, True
        self._record.bytes_out += len(body)
        try:
            await self._send(start)
            await self._send({"type": "http.response.body", "body": body})
        except OSError:
            self._left = True
