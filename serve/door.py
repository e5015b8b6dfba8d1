"""Who comes in: a key where keys are asked for, its limits, and a place among those who are answered.

Pure ASGI. The body is read before a place is taken, so that a slow sender holds none.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Final, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.admission import Gate
from serve.exchange import header
from serve.faults import respond
from serve.keyfile import Key
from serve.limits import Refused
from serve.observe import record_of, span

KEY: Final = "mlecs.key"
"""Where in the ASGI scope the key is."""
OPEN: Final = frozenset({"/", "/healthz", "/readyz", "/openapi.json", "/favicon.ico"})
"""What anyone may read."""
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""The names of this machine for itself."""
_PORT = re.compile(r":\d+$")
_UNGATED = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
"""Methods that no model works for: they have limits of their own key alone."""


class Checks(Protocol):
    """Finds the owner of a presented key."""

    def check(self, presented: str) -> Key | None:
        """None where there is none."""


class Door:
    """Wrap an ASGI app. ``keys`` None: everyone comes in as ``anonymous``, as on loopback."""

    def __init__(
        self,
        app: ASGIApp,
        keys: Checks | None,
        gate: Gate,
        anonymous: Key,
        admin: frozenset[str],
        hosts: frozenset[str] | None = None,
    ) -> None:
        """``admin``: paths that only keys of that role may change things under. ``hosts``: the names that are served;
        None: all."""
        self._app, self._keys, self._gate = app, keys, gate
        self._anonymous, self._admin, self._hosts = anonymous, admin, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or refuse it."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path in OPEN or path.startswith("/page/"):
            await self._app(scope, receive, send)
            return
        key = self._owner(scope)
        if not self._named(scope):
            await self._refuse(
                scope, receive, send, 403, "role", "without keys only this machine's own names are served"
            )
        elif key is None:
            await self._refuse(
                scope, receive, send, 401, "key", "Authorization: Bearer KEY must carry a key that is valid"
            )
        elif path in self._admin and scope["method"] != "GET" and "admin" not in key.roles:
            await self._refuse(scope, receive, send, 403, "role", f"{path} is for keys of the role admin")
        else:
            await self._enter(key, scope, receive, send)

    def _named(self, scope: Scope) -> bool:
        """Whether the request is for one of our names: a page of a stranger may lead its own name to this machine."""
        name = _PORT.sub("", header(scope, b"host") or "")
        return self._hosts is None or name in self._hosts or _loopback(name.strip("[]"))

    def _owner(self, scope: Scope) -> Key | None:
        if self._keys is None:
            return self._anonymous
        scheme, _, presented = (header(scope, b"authorization") or "").partition(" ")
        return self._keys.check(presented.strip()) if scheme.lower() == "bearer" else None

    async def _enter(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        record = record_of(scope)
        record.key = key.name
        scope[KEY] = key
        try:
            # The key's own limits before its body, so that nobody fills the memory with bodies that wait.
            async with self._gate.keys.acquire(key.name, key.limits):
                if scope["method"] in _UNGATED:
                    await self._pass(scope, receive, send)
                    return
                with self._gate.room.hold() as more:
                    receive = replayed(await _body(receive, more), receive)
                    async with await self._gate.admission.acquire():
                        await self._pass(scope, receive, send)
        except Refused as refused:
            record.refused = refused.reason
            await respond(refused.status, str(refused), refused.headers)(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        with span("request", {"http.request.method": scope["method"], "mlecs.request": record_of(scope).request_id}):
            await self._app(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, status: int, reason: str, why: str) -> None:
        record_of(scope).refused = reason
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        await respond(status, why, headers)(scope, receive, send)


async def _body(receive: Receive, more: Callable[[int], None]) -> list[Message]:
    """The messages of a body, to its end or its sender's; ``more`` is told of the bytes of each."""
    messages: list[Message] = []
    while not messages or (messages[-1]["type"] == "http.request" and messages[-1].get("more_body", False)):
        messages.append(await receive())
        more(len(messages[-1].get("body", b"")))
    return messages


def _loopback(address: str) -> bool:
    """Whether it is one of this machine's addresses for itself, which no stranger's name is."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def replayed(messages: list[Message], receive: Receive) -> Receive:
    """First what was read already, then what comes."""
    left = iter(messages)

    async def again() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return again
