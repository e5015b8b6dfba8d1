"""Samples of several clients end to end in one row of a language model: nothing is padded, nobody sees another.

All that a model does token by token runs over this row at once; attention, adapters and dropout know whose is what.
"""

from collections.abc import Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from mlecs_ray.models.dropout import masks
from mlecs_ray.tree import Tree

ATTENTION = "packed"
"""The name of ``attention`` in the table of ``transformers``."""
Numbers = tuple[tuple[int, ...], ...]
"""A number of each sample of each client."""


@dataclass(frozen=True, eq=False)
class Pack:
    """What stands where in a row of T tokens: the samples of k clients, client after client."""

    tokens: Numbers
    asked: Numbers
    """How many tokens at the end of each sample are asked for their states."""
    draws: Sequence[Generator]
    """The stream of each client's dropout."""
    device: torch.device

    @cached_property
    def lengths(self) -> list[int]:
        """The tokens of each sample."""
        return [tokens for client in self.tokens for tokens in client]

    @cached_property
    def sizes(self) -> list[int]:
        """The tokens of each client."""
        return [sum(client) for client in self.tokens]

    @cached_property
    def cells(self) -> Tensor:
        """(T,) int64: where each token stands in a flat grid of n samples, each as wide as the longest."""
        return _cells(self.lengths, self.device)

    @cached_property
    def own_cells(self) -> list[Tensor]:
        """The same for each client in a grid of its own, as wide as its own longest sample."""
        return [_cells(client, self.device) for client in self.tokens]

    @cached_property
    def positions(self) -> Tensor:
        """(1, T) int64: the number of each token within its sample."""
        return self.cells[None] % max(self.lengths)

    @cached_property
    def ends(self) -> Tensor:
        """(W,) int64: the tokens that are asked for their states."""
        asked = [number for client in self.asked for number in client]
        stops = torch.tensor(self.lengths).cumsum(0).tolist()
        places = [place for stop, n in zip(stops, asked, strict=True) for place in range(stop - n, stop)]
        return torch.tensor(places, device=self.device)

    def grid(self, row: Tensor) -> Tensor:
        """(T, ...) to (n, longest, ...), zeros where a sample is shorter."""
        n, longest = len(self.lengths), max(self.lengths)
        flat = row.new_zeros(n * longest, *row.shape[1:]).index_copy(0, self.cells, row)
        return flat.view(n, longest, *row.shape[1:])

    def row(self, grid: Tensor) -> Tensor:
        """(n, longest, ...) to (T, ...)."""
        return grid.flatten(0, 1).index_select(0, self.cells)

    def linear(self, weight: Tensor, x: Tensor) -> Tensor:
        """``x W^T`` with the weight of each token's client: (k, outputs, inputs), (1, T, inputs) to (1, T, outputs)."""
        return torch.cat([F.linear(part, w) for part, w in zip(torch.split(x[0], self.sizes), weight, strict=True)])[
            None
        ]

    def dropout(self, x: Tensor, rate: float) -> Tensor:
        """(1, T, d): each client's tokens dropped as if it were alone, its samples padded to its longest."""
        drawn = masks(self.draws, [(len(client), max(client), x.shape[-1]) for client in self.tokens], rate, x.device)
        mask = torch.empty_like(x[0])
        for part, one, cells in zip(torch.split(mask, self.sizes), drawn, self.own_cells, strict=True):
            torch.index_select(one.flatten(0, 1), 0, cells, out=part)
        return x * mask


def _cells(lengths: Sequence[int], device: torch.device) -> Tensor:
    filled = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return filled.flatten().nonzero()[:, 0].to(device)


def attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, pack: Pack, **options: Any
) -> tuple[Tensor, None]:
    """Causal attention within each sample: three of (1, heads, T, d) to (1, T, heads, d)."""
    grids = [pack.grid(x[0].transpose(0, 1)).transpose(1, 2) for x in (query, key, value)]
    mixed, _ = ALL_ATTENTION_FUNCTIONS["sdpa"](module, *grids, mask, **options)
    return pack.row(mixed)[None], None


class Seat:
    """What the adapters of one backbone work on just now; None for rows of a single client."""

    pack: Pack | None = None
    worn: Tree | None = None
    """Adapters that take the place of the modules' own while whole rows are read; for inference."""


class Dropout(nn.Dropout):
    """``nn.Dropout``, or that of each client in a pack."""

    def __init__(self, rate: float, seat: Seat) -> None:
        super().__init__(rate)
        self.seat = seat

    def forward(self, x: Tensor) -> Tensor:
        pack = self.seat.pack
        return super().forward(x) if pack is None or not self.training else pack.dropout(x, self.p)


class Adapter(nn.Module):
    """``x W^T``, or that of each client in a pack, or of each row where W is (n, outputs, inputs)."""

    def __init__(self, weight: Tensor, seat: Seat) -> None:
        super().__init__()
        self.weight, self.seat = nn.Parameter(weight, requires_grad=False), seat

    def forward(self, x: Tensor) -> Tensor:
        pack = self.seat.pack
        if pack is not None:
            return pack.linear(self.weight, x)
        return _linear(x, self.weight)


def _linear(x: Tensor, weight: Tensor) -> Tensor:
    return F.linear(x, weight) if weight.dim() == 2 else torch.bmm(x, weight.mT)


class Wearer:
    """In place of the ``forward`` of a layer that PEFT has adapted: what it does at inference, in a third of the time,
    while the seat's adapters are worn."""

    def __init__(self, layer: Any, module: str, seat: Seat) -> None:
        """``module`` is the layer's name in trees."""
        self._usual, self._module, self._seat = layer.forward, module, seat
        self._base, self._scale = layer.base_layer, layer.scaling["default"]

    def __call__(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """(n, t, inputs) to (n, t, outputs)."""
        if self._seat.worn is None:
            return self._usual(x, *args, **kwargs)  # type: ignore[no-any-return]  # PEFT does not type it
        own = self._seat.worn[self._module]
        return self._base(x) + _linear(_linear(x, own["A"]), own["B"]) * self._scale  # type: ignore[no-any-return]  # as above


def packs(decoder: Any) -> bool:
    """Whether this model can run a pack: all that mixes its tokens must be plain attention.

    Dropout of the model's own would draw from torch's global generator, whoever the tokens belong to.
    """
    config = decoder.config
    plain = config._attn_implementation == "sdpa" and getattr(config, "sliding_window", None) is None
    own_dropout = any(rate for name, rate in config.to_dict().items() if "drop" in name)
    return bool(plain and decoder._supports_attention_backend and not own_dropout)


def seated(decoder: nn.Module) -> Seat:
    """Make the adapters that PEFT put into ``decoder`` able to work on packs."""
    AttentionInterface.register(ATTENTION, attention)
    seat = Seat()
    for name, module in list(decoder.named_modules()):
        if ".lora_dropout." in name and isinstance(module, nn.Dropout):
            decoder.set_submodule(name, Dropout(module.p, seat))
        elif (".lora_A." in name or ".lora_B." in name) and isinstance(module, nn.Linear):
            decoder.set_submodule(name, Adapter(module.weight, seat))
    return seat


@contextmanager
def ends_only(decoder: nn.Module, pack: Pack) -> Iterator[None]:
    """Spare the last MLP the tokens that nobody asks for: no layer reads them, and it is a tenth of a small model."""
    mlp = _last_mlp(decoder)
    if mlp is None:
        yield
        return
    before = mlp.register_forward_pre_hook(lambda _, inputs: (inputs[0][:, pack.ends],))
    after = mlp.register_forward_hook(lambda _, _inputs, y: _among_zeros(y, pack.ends, sum(pack.sizes)))
    try:
        yield
    finally:
        before.remove()
        after.remove()


def _among_zeros(x: Tensor, places: Tensor, n: int) -> Tensor:
    """(1, W, d) to (1, n, d)."""
    return x.new_zeros(1, n, x.shape[-1]).index_copy(1, places, x)


def _last_mlp(decoder: nn.Module) -> nn.Module | None:
    """The MLP of the last layer, if it is one: plain linear layers by the name that models of the Llama family use."""
    layers = getattr(decoder, "layers", None)
    mlp = getattr(layers[-1], "mlp", None) if isinstance(layers, nn.ModuleList) else None
    plain = mlp is not None and all(type(m) is nn.Linear or not list(m.parameters()) for m in mlp.children())
    return mlp if plain else None


def lengths(rows: Sequence[Sized], real: Tensor) -> tuple[tuple[int, ...], ...]:
    """The lengths of the rows that are ``real`` (k, b), by client."""
    found = iter([len(row) for row in rows])
    return tuple(tuple(islice(found, n)) for n in real.sum(1).tolist())
