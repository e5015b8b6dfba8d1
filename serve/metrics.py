"""What Prometheus reads, with few enough labels that it can keep them."""

from collections.abc import Collection, Container
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from serve.observe import Record

OTHER: Final = "other"
NONE: Final = "none"
REASONS: Final = frozenset({"rate", "concurrency", "full", "key", "role", "body_bytes", "body_values", "body_seconds"})
"""Why requests are refused: limits, admission, an unknown key, one that may not, and bodies too large or too slow."""
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
"""Upper ends of the histograms' buckets: from an answer out of a cache to a long one by a language model."""


def bounded(value: str | None, known: Container[str]) -> str:
    """A label that clients cannot multiply: what is not ``known`` is ``other``, and nothing ``none``."""
    if value is None:
        return NONE
    return value if value in known else OTHER


class Metrics:
    """The figures of one process, on a registry of their own."""

    def __init__(self, models: Container[str] = (), answerers: Collection[str] = ("edge", "cloud", "encoder")) -> None:
        """``models`` and ``answerers`` are the names that may be labels, read anew at each request."""
        self._models, self._answerers = models, answerers
        self._registry = own = CollectorRegistry()
        labels = ("route", "status", "answered_by")
        self._requests = Counter("mlecs_requests", "Requests that ended", labels, registry=own)
        self._seconds = Histogram(
            "mlecs_request_seconds",
            "From a request's head to its answer's end",
            ("route",),
            buckets=SECONDS,
            registry=own,
        )
        self._first = Histogram(
            "mlecs_first_token_seconds",
            "From a request's head to the first piece of its answer",
            ("model",),
            buckets=SECONDS,
            registry=own,
        )
        self._tokens = Counter("mlecs_tokens", "Tokens read and written", ("direction", "model"), registry=own)
        self._in_flight = Gauge("mlecs_in_flight", "Requests that have not ended", registry=own)
        self._refused = Counter("mlecs_refused", "Requests that were not answered", ("reason",), registry=own)

    def begin(self) -> None:
        """A request has come."""
        self._in_flight.inc()

    def end(self, record: Record) -> None:
        """It has ended. Names in the record that are not known become ``other`` there too, before they are logged."""
        self._in_flight.dec()
        if record.model is not None:
            record.model = bounded(record.model, self._models)
        answered_by, model = bounded(record.answered_by, self._answerers), record.model or NONE
        route = record.route or OTHER
        self._requests.labels(route, str(record.status), answered_by).inc()
        self._seconds.labels(route).observe(record.seconds or 0.0)
        if record.first_token_seconds is not None:
            self._first.labels(model).observe(record.first_token_seconds)
        for direction, count in (("in", record.tokens_in), ("out", record.tokens_out)):
            if count:
                self._tokens.labels(direction, model).inc(count)
        if record.refused is not None:
            self._refused.labels(bounded(record.refused, REASONS)).inc()

    def render(self) -> tuple[bytes, str]:
        """The page that Prometheus reads, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
