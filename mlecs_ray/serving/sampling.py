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
    tokens = logits.argmax(-1)
    drawn = [row for row, (sampling, _) in enumerate(asked) if sampling.temperature]
    if drawn:
        tokens[drawn] = _drawn(logits[drawn], [asked[row] for row in drawn])
    said = logits.gather(1, tokens[:, None])[:, 0] - logits.logsumexp(-1)
    return list(zip(tokens.tolist(), said.tolist(), strict=True))


def _drawn(logits: Tensor, asked: Sequence[tuple[Sampling, Generator]]) -> Tensor:
    """For each row one of the fewest tokens whose probability reaches its ``top_p``, the likeliest first, by one
    uniform number."""
    numbers = [torch.rand((), generator=draw, dtype=torch.float64) for _, draw in asked]
    wanted = torch.stack(numbers).to(logits.device)
    heat = torch.tensor([sampling.temperature for sampling, _ in asked], device=logits.device)
    chances = (logits / heat[:, None]).softmax(-1)
    tokens = torch.empty(len(asked), dtype=torch.int64, device=logits.device)
    whole = [row for row, (sampling, _) in enumerate(asked) if sampling.top_p == 1]
    part = [row for row, (sampling, _) in enumerate(asked) if sampling.top_p < 1]
    if whole:
        sums = chances[whole].double().cumsum(-1)
        tokens[whole] = _places(sums, wanted[whole], sums.shape[1])
    if part:
        tops = torch.tensor([asked[row][0].top_p for row in part], dtype=torch.float64, device=logits.device)
        best, likeliest = _likeliest(chances[part], tops)
        sums = best.double().cumsum(-1)
        places = _places(sums, wanted[part], (sums < tops[:, None]).sum(-1, keepdim=True) + 1)
        tokens[part] = likeliest.gather(1, places[:, None])[:, 0]
    return tokens


def _places(sums: Tensor, wanted: Tensor, most: Tensor | int) -> Tensor:
    """Where in each row of ``sums`` (n, t), whose first ``most`` count, a share ``wanted`` of these is reached."""
    last = torch.as_tensor(most, device=sums.device).clamp(max=sums.shape[1]).expand(len(sums), 1) - 1
    places = torch.searchsorted(sums, wanted[:, None] * sums.gather(1, last), right=True)
    return places.minimum(last)[:, 0]


def _likeliest(chances: Tensor, tops: Tensor) -> tuple[Tensor, Tensor]:
    """As many of the likeliest as every row's ``top_p`` needs, or more: to sort a whole vocabulary takes longer than a
    small model's step."""
    many = _FEW
    while many < chances.shape[1]:
        best, tokens = chances.topk(many)
        if bool((best.double().sum(-1) >= tops).all()):
            return best, tokens
        many *= 8
    return chances.sort(descending=True, stable=True)
