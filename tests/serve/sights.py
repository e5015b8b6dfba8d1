"""Small entries for the tests of galleries."""

from hypothesis import HealthCheck, settings

from serve.entries import Embedding, Entry, Hit

PNG = b"\x89PNG\r\n\x1a\n" + b"rest"
# Each example has a folder of its own.
LIVELY = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def emb(*numbers: float, space: str = "s") -> Embedding:
    return Embedding(numbers, space, "m@1")


def named(name: str, *numbers: float, **rest) -> Entry:
    return Entry(emb(*(numbers or (1.0, 0.0))), id=name, **rest)


def ids(hits: list[Hit]) -> list[str]:
    return [hit.card.id for hit in hits]
