"""Asking a server as its users do, with a watch in hand: plain sockets, so that the asker takes little of the cores."""

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CHAT = "/v1/chat/completions"


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
    """A server at a port of this machine; each thread has a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port

    def post(self, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """A whole answer."""
        connection = self._connection()
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, Any]:
        """A page of JSON."""
        connection = self._connection()
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def chat(self, model: str, content: Any, **more: Any) -> Reply:
        """One answer as it comes."""
        body = {"model": model, "messages": [{"role": "user", "content": content}], "stream": True, **more}
        body["stream_options"] = {"include_usage": True}
        connection = self._connection()
        try:
            start = time.perf_counter()
            connection.request("POST", CHAT, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            if response.status != 200:
                error = json.loads(response.read())["error"]
                passed = time.perf_counter() - start
                return Reply(response.status, passed, passed, 0, "", error)
            return _read(response, start)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=300)


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
