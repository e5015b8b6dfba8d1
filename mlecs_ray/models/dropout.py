"""Dropout of several clients at once, each from a stream of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Generator, Tensor


def masks(
    draws: Sequence[Generator], shapes: Sequence[tuple[int, ...]], rate: float, device: torch.device
) -> list[Tensor]:
    """For each stream a tensor of its shape, 0 with probability ``rate`` and ``1 / (1 - rate)`` otherwise.

    On the CPU it is what ``torch.nn.functional.dropout`` would multiply by, were torch's global generator the stream.
    """
    return [
        torch.empty(shape, device=device).bernoulli_(1 - rate, generator=draw).div_(1 - rate)
        for draw, shape in zip(draws, shapes, strict=True)
    ]


@contextmanager
def lent(draw: Generator) -> Iterator[None]:
    """Let torch's global generator of that device go on where ``draw`` stands, and ``draw`` where that ends."""
    cuda = draw.device.type == "cuda"
    shared = torch.cuda.default_generators[draw.device.index or 0] if cuda else torch.default_generator
    usual = shared.get_state()
    shared.set_state(draw.get_state())
    try:
        yield
        draw.set_state(shared.get_state())
    finally:
        shared.set_state(usual)
