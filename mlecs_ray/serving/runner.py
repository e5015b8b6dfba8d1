"""How a frozen model runs rows of answers: one Protocol, and the way of PyTorch."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from mlecs_ray.models.lora import Backbone
from mlecs_ray.serving.slots import Slots
from mlecs_ray.tree import Tree, tree_map


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
    (n, ...), taken from those of all sets under way side by side."""

    def __init__(self, lm: Backbone, rows: int, context: int) -> None:
        self._lm, self._rows, self._context = lm, rows, context
        self.reset()

    def reset(self) -> None:
        layers = self._lm.decoder.config.num_hidden_layers
        self._slots = Slots(layers, self._rows, self._context, self._lm.device)
        self._sets: list[Tree] = []
        self._beside: Tree = {}
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
        last = torch.tensor(tokens, device=states.device) - 1
        return self._lm.logits(states[torch.arange(len(rows), device=states.device), last])

    def _joint(self, trees: Sequence[Tree]) -> Tree:
        if all(tree is trees[0] for tree in trees):
            return trees[0]
        key = tuple(id(tree) for tree in trees)
        if self._stack is None or self._stack[0] != key:
            places = self._places(trees)
            which = torch.tensor([places[one] for one in key], device=self._lm.device)
            self._stack = key, tree_map(lambda leaf: leaf.index_select(0, which), self._beside)
        return self._stack[1]

    def _places(self, trees: Sequence[Tree]) -> dict[int, int]:
        """Where each set stands among those side by side, which are laid anew when one comes that is not there."""
        wanted = {id(tree): tree for tree in trees}
        if not wanted.keys() <= {id(tree) for tree in self._sets}:
            self._sets = list(wanted.values())
            self._beside = side_by_side(self._sets)
        return {id(tree): place for place, tree in enumerate(self._sets)}


def side_by_side(trees: Sequence[Tree]) -> Tree:
    """Adapters as one tree of leaves (n, ...); those of lower rank are filled up with zeros."""
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
