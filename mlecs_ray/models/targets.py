"""What a language model should say, as padded token ids, and where in a batch the words stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mlecs_ray.models.lora import Backbone


@dataclass(frozen=True)
class Targets:
    """``ids`` (n, t), shorter rows padded by 0; ``places`` are the positions in ``ids.flatten()`` that are words."""

    ids: Tensor
    places: Tensor


_SHORT = 512
"""Characters of a text that is remembered: what is asked of a server may be long, and never comes again."""


def tokens(lm: Backbone, text: str) -> tuple[int, ...]:
    """The token ids of a text, found once per process: clients see their few captions again and again."""
    return _found(lm, text) if len(text) <= _SHORT else _read(lm, text)


@lru_cache(maxsize=1 << 16)
def _found(lm: Backbone, text: str) -> tuple[int, ...]:
    return _read(lm, text)


def _read(lm: Backbone, text: str) -> tuple[int, ...]:
    return tuple(lm.tokenizer(text, add_special_tokens=False)["input_ids"])


def said(lm: Backbone, text: str, longest: int) -> tuple[int, ...]:
    """The token ids of a text and end-of-text, cut to ``longest``."""
    return (*tokens(lm, text), lm.tokenizer.eos_token_id)[:longest]


def targets(lm: Backbone, texts: Sequence[str], longest: int, device: torch.device | str = "cpu") -> Targets:
    """Each text and end-of-text, cut to ``longest`` tokens."""
    rows = [torch.tensor(said(lm, text, longest)) for text in texts]
    ids = pad_sequence(rows, batch_first=True)
    lengths = torch.tensor([len(row) for row in rows])
    words = torch.arange(ids.shape[1]) < lengths[:, None]
    return Targets(ids.to(device), words.flatten().nonzero()[:, 0].to(device))


def blank_targets(batch: int, length: int) -> Targets:
    """Targets without data, all of one length, for counting."""
    return Targets(
        torch.empty(batch, length, dtype=torch.int64, device="meta"),
        torch.empty(batch * length, dtype=torch.int64, device="meta"),
    )


def run_on(goals: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    """The tokens of all, one after another."""
    return torch.tensor([token for goal in goals for token in goal], dtype=torch.int64, device=device)
