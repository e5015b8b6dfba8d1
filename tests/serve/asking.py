"""Asking a server over HTTP as clients do: once, or without end from several threads."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from mlecs_ray.samples import Samples

CHAT = "/v1/chat/completions"
TIMEOUT_SECONDS = 60


def free_port() -> int:
    """One of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


class Load:
    """Four askers of the cloud who never stop; what they were told."""

    def __init__(self, port: int, content: Any, **more: Any) -> None:
        self.answers: list[tuple[str, str]] = []
        """Version and words."""
        self.failures: list[tuple[int, Any]] = []
        """Status, 0 where there was no answer, and what was said."""
        self._port, self._body, self._stopped = port, chat("cloud", content, **more), threading.Event()
        self._threads = [threading.Thread(target=self._go) for _ in range(4)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _go(self) -> None:
        while not self._stopped.is_set():
            try:
                status, answer = ask(self._port, self._body)
            except (OSError, http.client.HTTPException) as error:
                status, answer = 0, error
            if status == 200:
                self.answers.append((answer["mlecs"]["version"], answer["choices"][0]["message"]["content"]))
            else:
                self.failures.append((status, answer))
