"""What is told of a request: one line of JSON, a request id, and spans. Never what it says."""

import importlib
import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

from mlecs_ray.errors import InputError
from serve.clocks import Clock, utc_now

RECORD: Final = "mlecs.record"
"""Where in the ASGI scope a request's record is."""


@dataclass
class Record:
    """What becomes known of a request while it is answered; whoever learns something writes it here."""

    request_id: str
    method: str = ""
    route: str | None = None
    """The template, as ``/v1/models/{name}``: a path would tell what was asked."""
    key: str | None = None
    """The key's name."""
    model: str | None = None
    answered_by: str | None = None
    """As ``edge`` or ``cloud``."""
    status: int | None = None
    """499: the client left before the end."""
    refused: str | None = None
    """Why, by one of ``metrics.REASONS``."""
    seconds: float | None = None
    first_token_seconds: float | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    clock: Clock = field(default=time.monotonic, repr=False, kw_only=True)
    started: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    def first_token(self) -> None:
        """The first piece of the answer is ready; later calls change nothing."""
        if self.first_token_seconds is None:
            self.first_token_seconds = self.clock() - self.started

    def end(self, status: int) -> None:
        """Nothing more will come."""
        self.status, self.seconds = status, self.clock() - self.started


def record_of(scope: MutableMapping[str, Any]) -> Record:
    """The record that the middleware keeps of this request (``request.scope``)."""
    record: Record = scope[RECORD]
    return record


def request_id(given: str | None) -> str:
    """The client's own id of a request where it is fit for logs and headers, else a new one."""
    if given is not None and re.fullmatch(r"[A-Za-z0-9._-]{1,128}", given):
        return given
    return uuid.uuid4().hex


_SHOWN: Final = (
    *("request_id", "key", "method", "route", "model", "answered_by", "status", "refused"),
    *("seconds", "first_token_seconds", "tokens_in", "tokens_out", "bytes_in", "bytes_out"),
)


def line(record: Record, now: Callable[[], datetime] = utc_now) -> str:
    """The record as one line of JSON. What is not known is left out; seconds have microseconds."""
    shown = {name: getattr(record, name) for name in _SHOWN}
    rounded = {name: round(value, 6) if isinstance(value, float) else value for name, value in shown.items()}
    known = {name: value for name, value in rounded.items() if value is not None}
    return json.dumps({"time": now().isoformat(timespec="milliseconds"), **known})


def write(text: str) -> None:
    """To standard output at once, where containers and Ray look for logs."""
    print(text, flush=True)


def to_file(path: Path) -> Callable[[str], None]:
    """As ``write``, to a file that starts anew at 10 MB; four older ones are kept."""
    logger = logging.Logger("mlecs.requests")
    path.parent.mkdir(parents=True, exist_ok=True)
    logger.addHandler(RotatingFileHandler(path, maxBytes=10_000_000, backupCount=4))
    return logger.info


@contextmanager
def span(name: str, attributes: dict[str, str | int | float | bool] | None = None) -> Iterator[None]:
    """An OpenTelemetry span around the block where someone has configured a provider, else nothing."""
    tracer = _tracer()
    if tracer is None:
        yield
        return
    with tracer.start_as_current_span(name, attributes=attributes):
        yield


def begin_tracing(hook: str) -> None:
    """Call ``module:function``. Raises InputError where there is no such thing."""
    module, _, function = hook.partition(":")
    try:
        call = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise InputError(f"tracing={hook}: {error}, so no request would be traced") from error
    call()


def _tracer() -> Any:
    """None where OpenTelemetry is not installed, or nobody listens."""
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    provider = trace.get_tracer_provider()
    # What the API answers when nothing is configured; asked each time, as that may come later.
    idle = isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider)
    return None if idle else provider.get_tracer("mlecs_ray.serve")
