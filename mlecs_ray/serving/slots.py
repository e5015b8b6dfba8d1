"""Keys and values of sequences that come and go: each in a row of its own, at its own length, never padded between.

When a row leaves, those behind it move up: they keep their order, stand at the top, and what attention reads is a view.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

_GROWTH = 64
"""Tokens by which rows get longer."""


@dataclass(frozen=True)
class Window:
    """Where the next keys and values go: into ``rows``, each q of them at ``positions`` (n, q)."""

    rows: range
    positions: Tensor
    where: Tensor
    """The rows' numbers, (n, 1)."""
    longest: int
    """The tokens of the longest of them, the new ones included."""


class Slots:
    """Up to ``rows`` sequences of at most ``context`` tokens in a model of ``layers`` layers, on the model's device."""

    def __init__(self, layers: int, rows: int, context: int, device: torch.device | str = "cpu") -> None:
        self.rows, self.context = rows, context
        self.lengths: list[int] = []
        nothing = torch.zeros(0, 0, dtype=torch.int64)
        self.window = Window(range(0), nothing, nothing, 0)
        self._device = device
        self._layers = [_Layer(self) for _ in range(layers)]
        self.cache = Cache(layers=list(self._layers))
        """What models of ``transformers`` take for their past."""

    def __len__(self) -> int:
        return len(self.lengths)

    def join(self) -> int:
        """A new row, still empty; raises IndexError where all are taken."""
        if len(self.lengths) == self.rows:
            raise IndexError(f"all {self.rows} rows are taken, so nobody can join before someone leaves")
        self.lengths.append(0)
        return len(self.lengths) - 1

    def leave(self, row: int) -> None:
        """Free a row; those behind it move up by one."""
        for layer in self._layers:
            layer.close_up(row, self.lengths)
        self.lengths.pop(row)

    def open(self, rows: range, tokens: Sequence[int]) -> dict[str, Any]:
        """Make so many tokens more fit into each of these rows; what the model must be called with beside its inputs.

        Rows that read fewer than others are filled up behind: what is written there is overwritten before it is seen.
        """
        starts, new = [self.lengths[row] for row in rows], max(tokens)
        # Made where they are used, once for all layers: to ask a GPU for a number waits for all that it has to do.
        positions = torch.tensor(starts, device=self._device)[:, None] + torch.arange(new, device=self._device)
        where = torch.arange(rows.start, rows.stop, device=self._device)[:, None]
        self.window = Window(rows, positions, where, max(starts) + new)
        for row, count in zip(rows, tokens, strict=True):
            self.lengths[row] += count
        mask = torch.arange(self.window.longest, device=self._device) <= positions[:, :, None]
        return {
            "attention_mask": mask[:, None],
            "position_ids": positions,
            "past_key_values": self.cache,
            "use_cache": True,
        }

    @property
    def bytes(self) -> int:
        """What keys and values take now."""
        return sum(layer.bytes for layer in self._layers)


class _Layer(CacheLayerMixin):
    """One layer's keys and values, (rows, heads, tokens, d)."""

    is_croppable = False
    is_sliding = False

    def __init__(self, slots: Slots) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # transformers does not type it
        self._slots = slots
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Room for all rows, of no tokens yet."""
        heads = (self._slots.rows, key_states.shape[1], 0)
        self.keys = key_states.new_zeros(*heads, key_states.shape[3])
        self.values = value_states.new_zeros(*heads, value_states.shape[3])
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Write (n, heads, q, d) where the window says; all that those rows hold then, (n, heads, longest, d)."""
        if self.keys is None or self.values is None:
            self.lazy_initialization(key_states, value_states)
        window, longest = self._slots.window, self._slots.window.longest
        rows = slice(window.rows.start, window.rows.stop)
        keys, values = self._room(longest)
        where = (window.where, slice(None), window.positions)
        keys[where] = key_states.transpose(1, 2)
        values[where] = value_states.transpose(1, 2)
        return keys[rows, :, :longest], values[rows, :, :longest]

    def _room(self, tokens: int) -> tuple[Tensor, Tensor]:
        keys, values = self.keys, self.values
        assert keys is not None
        assert values is not None
        if tokens > keys.shape[2]:
            more = -(-tokens // _GROWTH) * _GROWTH - keys.shape[2]
            self.keys = keys = torch.cat([keys, keys.new_zeros(*keys.shape[:2], more, keys.shape[3])], 2)
            self.values = values = torch.cat([values, values.new_zeros(*values.shape[:2], more, values.shape[3])], 2)
        return keys, values

    def close_up(self, row: int, lengths: Sequence[int]) -> None:
        """Copy every row behind this one to the place before it."""
        if self.keys is None or self.values is None:
            return
        for source in range(row + 1, len(lengths)):
            for kept in (self.keys, self.values):
                kept[source - 1, :, : lengths[source]] = kept[source, :, : lengths[source]]

    @property
    def bytes(self) -> int:
        return 0 if self.keys is None or self.values is None else self.keys.nbytes + self.values.nbytes

    def get_seq_length(self) -> int:
        """The longest row of the window, without its new tokens."""
        return self._slots.window.longest - self._slots.window.positions.shape[1]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Masks are made by ``Slots.open``."""
        return self._slots.window.longest, 0

    def get_max_length(self) -> int:
        """Tokens that a row can hold."""
        return self._slots.context
