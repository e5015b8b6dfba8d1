"""Sequences whose elements are made when someone looks: not everyone does."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class Lazy(Sequence[T]):
    """``make(0)`` to ``make(n - 1)``, each made once."""

    def __init__(self, n: int, make: Callable[[int], T], made: dict[int, T] | None = None) -> None:
        self._n, self._make, self._made = n, make, {} if made is None else made

    def first(self, n: int) -> "Lazy[T]":
        """The first so many, the same elements."""
        return Lazy(n, self._make, self._made)

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, place: Any) -> Any:
        if not 0 <= place < self._n:
            raise IndexError(f"place {place} must lie in 0..{self._n - 1}")
        if place not in self._made:
            self._made[place] = self._make(place)
        return self._made[place]
