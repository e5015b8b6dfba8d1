"""What may not be merged: the server refuses, records and survives it."""

import math
from collections import deque
from statistics import median
from typing import Any

from mlecs_ray.method import Update
from mlecs_ray.server.rules import FIRST, GuardRules
from mlecs_ray.stacks import norm as norm_of
from mlecs_ray.stacks import shapes
from mlecs_ray.tree import Remembered, Tree, leaves


class Guard:
    """Judges updates against the shapes that the job promised and the norms seen so far."""

    def __init__(self, rules: GuardRules) -> None:
        self._rules = rules
        self._norms: deque[float] = deque(maxlen=rules.memory)
        self._shapes = Remembered(shapes)

    def objection(self, update: Update, promised: Tree, answer: bool = False) -> str | None:
        """Why this update may not be merged; None when it may, and its norm is then remembered.

        ``answer``: it answers a question, which has no usual norm.
        """
        if not (math.isfinite(update.weight) and update.weight > 0):
            return f"weight {update.weight} is not a positive number"
        if shapes(update.tree) != self._shapes(promised):
            return _difference(update.tree, promised)
        norm = norm_of(update.tree) if update.norm is None else update.norm
        if not math.isfinite(norm):
            return "it holds NaN or Inf"
        if answer:
            return None
        if reason := self._bomb(norm):
            return reason
        self._norms.append(norm)
        return None

    def _bomb(self, norm: float) -> str | None:
        rules = self._rules
        if rules.max_norm is not None and norm > rules.max_norm:
            return f"norm {norm:.3g} exceeds max_norm {rules.max_norm:.3g}"
        if rules.norm_ratio is not None and len(self._norms) >= FIRST:
            usual = median(self._norms)
            if usual > 0 and norm > rules.norm_ratio * usual:
                return f"norm {norm:.3g} exceeds {rules.norm_ratio:g} x the usual {usual:.3g}"
        return None

    def freeze(self) -> list[float]:
        """The norms remembered, as JSON values."""
        return list(self._norms)

    def thaw(self, frozen: list[Any]) -> None:
        """Take up what ``freeze`` gave."""
        self._norms = deque(frozen, maxlen=self._rules.memory)


def _difference(tree: Tree, promised: Tree) -> str:
    got = {path: (tuple(leaf.shape), leaf.dtype) for path, leaf in leaves(tree)}
    want = {path: (tuple(leaf.shape), leaf.dtype) for path, leaf in leaves(promised)}
    path = min(path for path in got.keys() | want.keys() if got.get(path) != want.get(path))
    return f"{path} is {got.get(path, 'absent')}, promised was {want.get(path, 'absent')}"
