"""Which entries of a gallery a search looks at, as an expression that no value can break out of."""

from collections.abc import Iterable
from functools import reduce

from lancedb.expr import Expr, col, lit

from serve.where import Choice, Where


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
