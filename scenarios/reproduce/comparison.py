"""One side against another, and the tests of a section corrected as one family."""

from collections.abc import Sequence
from dataclasses import dataclass

from scenarios.reproduce.statistics import Paired, holm

Drawn = tuple[str, str, str, str, str, Paired]
"""Setting, scope, metric, name, other and their pair: a comparison before it is corrected."""


@dataclass(frozen=True)
class Comparison:
    """One side against the other in one setting."""

    group: str
    setting: str
    scope: str
    metric: str
    name: str
    other: str
    pair: Paired
    corrected: float | None
    """``pair.p`` after Holm's correction over all tests of the group."""


def together(group: str, drawn: Sequence[Drawn]) -> list[Comparison]:
    """These tests of a group, corrected as one family."""
    corrected = holm([pair.p for *_, pair in drawn])
    return [Comparison(group, *one, p) for one, p in zip(drawn, corrected, strict=True)]
