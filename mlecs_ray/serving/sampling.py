"""How the next token is chosen: the likeliest, or one drawn by a request's own seed."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from mlecs_ray.errors import InputError

_FEW = 64
"""Tokens that are looked at first."""


@dataclass(frozen=True)
class Sampling:
    """``temperature`` 0 takes the likeliest token; ``top_p`` leaves out the least likely ones."""

    max_tokens: int = 24
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    """Texts before which an answer ends."""
    line: bool = False
    """Whether an answer is one line without blanks around it, as evaluation reads it."""

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise InputError(f"max_tokens={self.max_tokens} must be 1 or more, or nothing is said")
        if not 0 <= self.temperature <= 2:
            raise InputError(f"temperature={self.temperature} must lie in 0..2, or what is drawn means nothing")
        if not 0 < self.top_p <= 1:
            raise InputError(f"top_p={self.top_p} must lie above 0 and up to 1, or no token is left to say")
        if len(self.stop) > 4 or not all(0 < len(text) <= 64 for text in self.stop):
            raise InputError(f"stop={list(self.stop)} must be up to 4 texts of 1 to 64 letters, as in OpenAI's API")

    def generator(self) -> Generator:
        """The stream of one answer: it draws once a token, whoever else is answered meanwhile."""
        return Generator().manual_seed(self.seed)


def choose(logits: Tensor, asked: Sequence[tuple[Sampling, Generator]]) -> list[tuple[int, float]]:
    """A token id and its log-probability at temperature 1 for each row of logits (n, vocabulary)."""
    tokens: list[int] = logits.argmax(-1).tolist()
    for row, (sampling, draw) in enumerate(asked):
        if sampling.temperature:
            tokens[row] = _drawn(logits[row] / sampling.temperature, sampling.top_p, draw)
    said = logits.gather(1, torch.tensor(tokens, device=logits.device)[:, None])[:, 0] - logits.logsumexp(-1)
    return list(zip(tokens, said.tolist(), strict=True))


def _drawn(logits: Tensor, top_p: float, draw: Generator) -> int:
    """One of the fewest tokens whose probability reaches ``top_p``, the likeliest first, by one uniform number."""
    wanted = float(torch.rand((), generator=draw, dtype=torch.float64))
    chances = logits.softmax(0)
    if top_p == 1:
        return _place(chances, wanted)
    best, tokens = _likeliest(chances, top_p)
    sums = best.double().cumsum(0)
    many = int((sums < top_p).sum()) + 1
    return int(tokens[_place(best[:many], wanted)])


def _place(chances: Tensor, wanted: float) -> int:
    """Where a share ``wanted`` of the sum of all is reached."""
    sums = chances.double().cumsum(0)
    place = int(torch.searchsorted(sums, wanted * sums[-1], right=True))
    return min(place, len(chances) - 1)


def _likeliest(chances: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """As many of the likeliest as ``top_p`` needs, or more: to sort a whole vocabulary takes longer than a small
    model's step."""
    many = _FEW
    while many < len(chances):
        best, tokens = chances.topk(many)
        if float(best.double().sum()) >= top_p:
            return best, tokens
        many *= 8
    return chances.sort(descending=True, stable=True)
