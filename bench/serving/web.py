"""Asking a server as its users do, with a watch in hand: plain sockets, so that the asker takes little of the cores."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

CHAT = "/v1/chat/completions"


def free_port() -> int:
    """One of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    seconds: float
    first_seconds: float
    """To the first word; of a refusal, to its end."""
    tokens: int
    text: str
    told: Mapping[str, Any]
    """``mlecs`` of an answer, the error of a refusal."""

    @property
    def rate(self) -> float:
        """Tokens a second, from the request to the last of them."""
        return self.tokens / self.seconds


class Web:
    """A server at a port of this machine; each thread keeps a connection of its own, as clients' libraries do."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._own = threading.local()

    def post(self, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """A whole answer."""
        with self._asked("POST", path, body) as response:
            return response.status, json.loads(response.read())

    def get(self, path: str) -> tuple[int, Any]:
        """A page of JSON."""
        with self._asked("GET", path) as response:
            return response.status, json.loads(response.read())

    def number(self, name: str) -> float:
        """One of ``/metrics``. Raises StopIteration where there is none of that name."""
        with self._asked("GET", "/metrics") as response:
            lines = response.read().decode().splitlines()
        return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])

    def chat(self, model: str, content: Any, **more: Any) -> Reply:
        """One answer as it comes."""
        body = {"model": model, "messages": [{"role": "user", "content": content}], "stream": True, **more}
        body["stream_options"] = {"include_usage": True}
        start = time.perf_counter()
        with self._asked("POST", CHAT, body) as response:
            if response.status != 200:
                error = json.loads(response.read())["error"]
                passed = time.perf_counter() - start
                return Reply(response.status, passed, passed, 0, "", error)
            return _read(response, start)

    @contextmanager
    def _asked(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """A response that must be read to its end, or its connection is given up."""
        payload = None if body is None else json.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        self._own.connection, response = None, None
        if connection is not None:
            # The server may have closed it while it was idle: then nothing of this request was read.
            with suppress(ConnectionError):
                connection.request(method, path, payload, headers)
                response = connection.getresponse()
        if connection is None or response is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=300)
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
        yield response
        if response.isclosed():
            self._own.connection = connection
        else:
            connection.close()


def _read(response: http.client.HTTPResponse, start: float) -> Reply:
    told: Mapping[str, Any] = {}
    text, tokens, first = "", 0, 0.0
    for line in response:
        if not line.startswith(b"data: {"):
            continue
        chunk = json.loads(line[6:])
        if "error" in chunk:
            return Reply(500, time.perf_counter() - start, first, tokens, text, chunk["error"])
        for choice in chunk["choices"]:
            piece = choice["delta"].get("content") or ""
            first = first or (time.perf_counter() - start if piece else 0.0)
            text += piece
        told = chunk.get("mlecs") or told
        tokens = chunk["usage"]["completion_tokens"] if chunk.get("usage") else tokens
    return Reply(200, time.perf_counter() - start, first, tokens, text, told)
