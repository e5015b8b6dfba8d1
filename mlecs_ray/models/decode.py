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

    All rows have the same length, so no padding stands between a prompt and its answer.
    """
    eos, past = backbone.tokenizer.eos_token_id, DynamicCache()
    alive = torch.ones(len(prompts), dtype=torch.bool, device=prompts.device)
    answer: list[Tensor] = []
    embeds = prompts
    while alive.any() and len(answer) < max_tokens:
        states = backbone.states(adapters, embeds, past=past)[:, -1]
        best = backbone.logits(states).argmax(-1).masked_fill(~alive, eos)
        answer.append(best)
        alive = alive & best.ne(eos)
        embeds = backbone.embed(best[:, None])
    return [_text(backbone.tokenizer, row) for row in torch.stack(answer, 1).tolist()]


def _text(tokenizer: Any, ids: list[int]) -> str:
    text: str = tokenizer.decode(ids, skip_special_tokens=True)
    return text.strip().partition("\n")[0].strip()
