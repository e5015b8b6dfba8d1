"""A conversation, and how a language model is told of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlecs_ray.errors import InputError

if TYPE_CHECKING:
    from mlecs_ray.models.lora import Backbone


@dataclass(frozen=True)
class Turn:
    """One message of a conversation."""

    role: str
    text: str


def conversation(lm: "Backbone", turns: Sequence[Turn]) -> list[int]:
    """Turns as tokens by the model's own chat template, or one after the other where it has none."""
    if not turns:
        raise InputError("the request has neither words nor anything sensed, so there is nothing to answer")
    words = lm.tokenizer
    if getattr(words, "chat_template", None):
        told = [{"role": turn.role, "content": turn.text} for turn in turns]
        text = words.apply_chat_template(told, tokenize=False, add_generation_prompt=True)
    else:
        text = "".join(f"{turn.text}\n" for turn in turns)
    ids: list[int] = words(text, add_special_tokens=False)["input_ids"]
    return ids
