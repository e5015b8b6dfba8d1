"""Which entries of a gallery a search looks at, as an expression that no value can break out of."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce

from lancedb.expr import Expr, col, lit

from mlecs_ray.errors import InputError
from serve.entries import check_modalities, check_text

NAMES = 1000


@dataclass(frozen=True)
class Choice:
    """Values to keep (None: all) less values to leave out."""

    include: frozenset[str] | None = None
    exclude: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        named = len(self.include or ()) + len(self.exclude)
        if named > NAMES:
            raise InputError(f"a choice names {named} values, more than {NAMES}, so it is refused")


@dataclass(frozen=True)
class Sighting:
    """Whom and where the query shows. ``identity`` None: not known."""

    camera: str
    identity: str | None = None


@dataclass(frozen=True)
class Where:
    """Entries that all three choices keep; raises InputError where a name cannot be one.

    An entry with several modalities is kept by any one of them, and left out by any one. An entry without a camera
    or an identity is in no ``include`` and in no ``exclude``. ``seen`` leaves out what the protocol of
    re-identification calls junk: the same identity from the same camera; where the identity of the query is not
    known, all entries from its camera.
    """

    modality: Choice = field(default_factory=Choice)
    camera: Choice = field(default_factory=Choice)
    identity: Choice = field(default_factory=Choice)
    seen: Sighting | None = None

    def __post_init__(self) -> None:
        for choice in (self.modality, self.camera, self.identity):
            for name in (choice.include or frozenset()) | choice.exclude:
                check_text(name, "filter")
        for name in (self.modality.include or frozenset()) | self.modality.exclude:
            check_modalities(frozenset({name}))
        if self.seen is not None:
            check_text(self.seen.camera, "camera")


def expression(where: Where) -> Expr | None:
    """``where`` for the library; None: all entries."""
    parts = [*_named("camera", where.camera), *_named("identity", where.identity), *_sensed(where.modality)]
    if where.seen is not None:
        here = col("camera") == lit(where.seen.camera)
        same = here if where.seen.identity is None else here & (col("identity") == lit(where.seen.identity))
        parts.append(~same)
    return _all(parts) if parts else None


def one_of(column: str, values: Iterable[str]) -> Expr:
    """Rows whose column holds one of these."""
    return col(column).isin(sorted(values))


def tagged(names: Iterable[str]) -> str:
    """A set of modalities as one text, each between bars: ``|rgb|text|``; no name has a bar in it."""
    return "".join(f"|{name}" for name in sorted(names)) + "|"


def _named(column: str, choice: Choice) -> list[Expr]:
    kept = [] if choice.include is None else [one_of(column, choice.include)]
    return kept + ([~one_of(column, choice.exclude)] if choice.exclude else [])


def _sensed(choice: Choice) -> list[Expr]:
    has = {name: col("modalities").contains(tagged([name])) for name in choice.exclude | (choice.include or set())}
    left = [~has[name] for name in sorted(choice.exclude)]
    if choice.include is None:
        return left
    return [*left, reduce(Expr.or_, (has[name] for name in sorted(choice.include)), lit(False))]


def _all(parts: list[Expr]) -> Expr:
    return reduce(Expr.and_, parts)
