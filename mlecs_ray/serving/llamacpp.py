"""The fast engine, extra ``[fast]``: the same batcher on llama.cpp, which runs under one set of adapters at a time.

Rows are grouped by their adapters, so a step is one pass through the model for each set that is under way. It pays
where few models are asked at once.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mlecs_ray.models.lora import Backbone
from mlecs_ray.serving.batcher import CHUNK, Batcher
from mlecs_ray.serving.binding import Llama, Size
from mlecs_ray.serving.conversion import converted, write_adapter
from mlecs_ray.serving.engine import BatchingEngine
from mlecs_ray.tree import Tree

ADAPTERS = 64
"""Sets of adapters in llama.cpp's memory, the least recently used leaving first; at least the one that is worn and
the next."""


class LlamaCppEngine(BatchingEngine):
    """Answers by llama.cpp, on as many threads as torch has. Raises InputError for a model that is no plain Llama."""

    def __init__(self, lm: Backbone, rows: int = 8, queue: int = 8, context: int = 1024) -> None:
        super().__init__(Batcher(lm, rows, context, LlamaRunner(lm, rows, context)), queue)


@dataclass(eq=False)
class _Row:
    """Where a row's keys and values are, and how many."""

    sequence: int
    length: int = 0


class LlamaRunner:
    """Rows as sequences of one context: a ``Runner``."""

    def __init__(self, lm: Backbone, rows: int, context: int) -> None:
        self._lm, self._most = lm, rows
        self._llama = Llama(converted(lm), Size(rows, context, CHUNK), torch.get_num_threads())
        lora = lm.peft.peft_config["default"]
        self._scale = lora.lora_alpha / lora.r
        self._held: OrderedDict[int, tuple[Tree, Any]] = OrderedDict()
        """By their identity, which is theirs for as long as they are held."""
        self._worn: Tree | None = None
        self.reset()

    def reset(self) -> None:
        self._llama.forget(-1)
        self._rows: list[_Row] = []
        self._free = list(range(self._most))

    @property
    def cache_bytes(self) -> int:
        config = self._lm.decoder.config
        width = int(config.num_hidden_layers * config.num_key_value_heads * config.head_dim)
        return self._llama.cells * width * 2 * 4

    def join(self) -> None:
        if not self._free:
            raise IndexError(f"all {self._most} rows are taken, so nobody can join before someone leaves")
        self._rows.append(_Row(self._free.pop()))

    def leave(self, row: int) -> None:
        gone = self._rows.pop(row)
        self._llama.forget(gone.sequence)
        self._free.append(gone.sequence)

    def run(self, rows: range, adapters: Sequence[Tree], embeds: Tensor, tokens: Sequence[int]) -> Tensor:
        logits = torch.empty(len(rows), self._lm.decoder.config.vocab_size)
        for mine in self._groups(adapters, tokens):
            self._wear(adapters[mine[0]])
            read = embeds[mine, : tokens[mine[0]]]
            logits[mine] = self._read([self._rows[rows[i]] for i in mine], read)
        return logits

    def _read(self, rows: Sequence[_Row], embeds: Tensor) -> Tensor:
        tokens = embeds.shape[1]
        places = np.array([range(row.length, row.length + tokens) for row in rows], np.int32)
        logits = self._llama.decode(embeds, places, np.array([row.sequence for row in rows], np.int32))
        for row in rows:
            row.length += tokens
        return logits

    def _groups(self, adapters: Sequence[Tree], tokens: Sequence[int]) -> list[list[int]]:
        """Rows by their adapters and lengths; those that are worn come first, as each change costs a millisecond or
        more."""
        found: dict[tuple[int, int], list[int]] = {}
        for i, (tree, count) in enumerate(zip(adapters, tokens, strict=True)):
            found.setdefault((id(tree), count), []).append(i)
        return sorted(found.values(), key=lambda mine: (adapters[mine[0]] is not self._worn, id(adapters[mine[0]])))

    def _wear(self, adapters: Tree) -> None:
        if adapters is self._worn:
            return
        if id(adapters) not in self._held:
            self._held[id(adapters)] = adapters, self._loaded(adapters)
        self._held.move_to_end(id(adapters))
        self._llama.wear(self._held[id(adapters)][1], self._scale)
        self._worn = adapters
        while len(self._held) > ADAPTERS:
            _, (_, oldest) = self._held.popitem(last=False)
            self._llama.unload(oldest)

    def _loaded(self, adapters: Tree) -> Any:
        with TemporaryDirectory(prefix="mlecs-adapters-") as folder:
            path = Path(folder) / "adapters.gguf"
            write_adapter(self._lm, adapters, path)
            return self._llama.load(path)
