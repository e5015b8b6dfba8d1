"""How a frozen model runs rows of answers: one Protocol, and the way of PyTorch."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from mlecs_ray.models.lora import Backbone
from mlecs_ray.serving.slots import Slots
from mlecs_ray.tree import Tree


class Runner(Protocol):
    """A model that remembers what its rows have read. Rows 0, 1, ... join at the end; it belongs to one thread."""

    def join(self) -> None:
        """One row more, that has read nothing. Raises IndexError where all are taken."""

    def leave(self, row: int) -> None:
        """Free a row; those behind it move up by one."""

    def run(self, rows: range, adapters: Sequence[Tree], embeds: Tensor, tokens: Sequence[int]) -> Tensor:
        """Row i reads the first ``tokens[i]`` of its (t, hidden) under its own adapters: logits behind its last,
        (n, vocabulary), from ``embeds`` (n, t, hidden)."""

    def reset(self) -> None:
        """Forget all rows, whatever state a failure has left them in."""

    @property
    def cache_bytes(self) -> int:
        """What keys and values take."""


class TorchRunner:
    """All rows as one batch, whatever their adapters: leaves are those of one row for all that share them, else
    (n, ...), made once for a set."""

    def __init__(self, lm: Backbone, rows: int, context: int) -> None:
        self._lm, self._rows, self._context = lm, rows, context
        self.reset()

    def reset(self) -> None:
        self._slots = Slots(self._lm.decoder.config.num_hidden_layers, self._rows, self._context)
        self._stack: tuple[tuple[int, ...], Tree] | None = None

    @property
    def cache_bytes(self) -> int:
        return self._slots.bytes

    def join(self) -> None:
        self._slots.join()

    def leave(self, row: int) -> None:
        self._stack = None
        self._slots.leave(row)

    @torch.no_grad()
    def run(self, rows: range, adapters: Sequence[Tree], embeds: Tensor, tokens: Sequence[int]) -> Tensor:
        states = self._lm.stepped(self._joint(adapters), embeds, **self._slots.open(rows, tokens))
        return self._lm.logits(states[torch.arange(len(rows)), torch.tensor(tokens) - 1])

    def _joint(self, trees: Sequence[Tree]) -> Tree:
        if all(tree is trees[0] for tree in trees):
            return trees[0]
        key = tuple(id(tree) for tree in trees)
        if self._stack is None or self._stack[0] != key:
            self._stack = key, side_by_side(trees)
        return self._stack[1]


def side_by_side(trees: Sequence[Tree]) -> Tree:
    """Adapters of n rows as one tree of leaves (n, ...); those of lower rank are filled up with zeros."""
    found: dict[str, dict[str, Tensor]] = {}
    for module in trees[0]:
        widest = max(len(tree[module]["A"]) for tree in trees)
        a = torch.stack([_padded(tree[module]["A"], widest, 0) for tree in trees])
        b = torch.stack([_padded(tree[module]["B"], widest, 1) for tree in trees])
        found[module] = {"A": a, "B": b}
    return found


def _padded(matrix: Tensor, rank: int, dim: int) -> Tensor:
    missing = rank - matrix.shape[dim]
    if not missing:
        return matrix
    return torch.nn.functional.pad(matrix, (0, 0, 0, missing) if dim == 0 else (0, missing))
