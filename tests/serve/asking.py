"""Asking a server over HTTP as clients do: once, or without end from several threads."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.serving.crowd import Crowd
from mlecs_ray.samples import Samples

CHAT = "/v1/chat/completions"
TIMEOUT_SECONDS = 60


@contextmanager
def sent(port: int, body: Any, path: str = CHAT, method: str = "POST") -> Iterator[http.client.HTTPResponse]:
    """A response whose head is there; its body is read when it is asked for."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        payload = None if body is None else json.dumps(body)
        connection.request(method, path, payload, {"Content-Type": "application/json"})
        yield connection.getresponse()
    finally:
        connection.close()


def ask(port: int, body: Any, path: str = CHAT, method: str = "POST") -> tuple[int, Any]:
    """The status, and what was answered: as JSON where it is that."""
    with sent(port, body, path, method) as response:
        text = response.read().decode()
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, text


def chat(model: str, content: Any, **more: Any) -> dict[str, Any]:
    """A body of ``CHAT``."""
    return {"model": model, "messages": [{"role": "user", "content": content}], **more}


def parts(samples: Samples, row: int) -> list[dict[str, Any]]:
    """A row of features as a request brings it."""
    there = [m for m in sorted(samples.modalities) if bool(samples.present[m][row])]
    return [
        {"type": "input_values", "input_values": {"values": samples.inputs[m][row].tolist()}, "modality": m}
        for m in there
    ]


def in_flight(port: int) -> int:
    """Requests that have not ended, this one among them."""
    text = ask(port, None, "/metrics", "GET")[1]
    return int(float(next(line for line in text.splitlines() if line.startswith("mlecs_in_flight ")).split()[1]))


class Load(Crowd[tuple[int, Any]]):
    """Four askers of the cloud who never stop; what they were told."""

    def __init__(self, port: int, content: Any, **more: Any) -> None:
        body = chat("cloud", content, **more)
        super().__init__(lambda: _attempted(port, body), 4)

    @property
    def answers(self) -> list[tuple[str, str]]:
        """Version and words."""
        told = [answer for status, answer in self.replies if status == 200]
        return [(one["mlecs"]["version"], one["choices"][0]["message"]["content"]) for one in told]

    @property
    def failures(self) -> list[tuple[int, Any]]:
        """Status, 0 where there was no answer, and what was said."""
        return [(status, answer) for status, answer in self.replies if status != 200]


def _attempted(port: int, body: Any) -> tuple[int, Any]:
    try:
        return ask(port, body)
    except (OSError, http.client.HTTPException) as error:
        return 0, error
