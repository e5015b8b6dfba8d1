"""Sentences as token ids of the small text encoder that ships with all-MiniLM-L6-v2."""

from collections.abc import Sequence
from functools import cache

import torch
from tokenizers import Tokenizer
from torch import Tensor

from mlecs_ray.data.backbones import minilm_folder

LONGEST = 64
"""Tokens of a sentence that are kept; what describes a person in these data sets is shorter but for a few."""


def token_ids(sentences: Sequence[str], longest: int = LONGEST) -> Tensor:
    """(n, t) int64, t the longest there is: [CLS], word pieces, [SEP], then 0; zeros alone for an empty sentence.

    Raises InputError where the asset ``minilm`` was not fetched.
    """
    made = [
        one.ids if said.strip() else []
        for said, one in zip(sentences, _tokenizer(longest).encode_batch(list(sentences)), strict=True)
    ]
    ids = torch.zeros(len(made), max(map(len, made), default=0) or 1, dtype=torch.int64)
    for i, row in enumerate(made):
        ids[i, : len(row)] = torch.tensor(row)
    return ids


@cache
def _tokenizer(longest: int) -> Tokenizer:
    found: Tokenizer = Tokenizer.from_file(str(minilm_folder() / "tokenizer.json"))
    found.no_padding()
    found.enable_truncation(longest)
    return found
