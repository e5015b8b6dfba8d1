"""Greedy decoding from embedded prompts, many rows at once."""

from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from mlecs_ray.models.lora import Backbone
from mlecs_ray.tree import Tree


@torch.no_grad()
def greedy(backbone: Backbone, adapters: Tree, prompts: Tensor, max_tokens: int) -> list[str]:
    """The texts that follow ``prompts`` (n, t, hidden), each to its first end-of-text or newline.

    All rows have the same length, so no padding stands between a prompt and its answer. Rows that have ended leave as
    soon as they are the half of those that run.
    """
    eos, past = backbone.tokenizer.eos_token_id, DynamicCache()
    answers: list[list[int]] = [[] for _ in range(len(prompts))]
    rows, embeds = torch.arange(len(prompts), device=prompts.device), prompts
    alive = torch.ones(len(prompts), dtype=torch.bool, device=prompts.device)
    for _ in range(max_tokens):
        best = backbone.logits(backbone.states(adapters, embeds, past=past)[:, -1]).argmax(-1)
        alive = alive & best.ne(eos)
        for row, token, here in zip(rows.tolist(), best.tolist(), alive.tolist(), strict=True):
            if here:
                answers[row].append(token)
        if not alive.any():
            break
        if 2 * int(alive.sum()) <= len(rows):
            left = alive.nonzero().flatten()
            past.batch_select_indices(left)
            rows, best, alive = rows[left], best[left], alive[left]
        embeds = backbone.embed(best[:, None])
    return [_text(backbone.tokenizer, row) for row in answers]


def _text(tokenizer: Any, ids: list[int]) -> str:
    text: str = tokenizer.decode(ids, skip_special_tokens=True)
    return text.strip().partition("\n")[0].strip()
