"""Hierarchical LoRA-SFT (arXiv 2602.12936): attention adapts at every depth, the MLPs only deep down."""

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from peft import LoraConfig, get_peft_model
from torch import nn

from mlecs_ray.errors import InputError

DEEP: Mapping[str, Callable[[int, int], bool]] = {
    "last2": lambda layer, layers: layer >= layers - 2,
    "last4-even": lambda layer, layers: layer >= layers - 4 or layer % 2 == 0,
    "fourth-last": lambda layer, layers: layer % 4 == 0 or layer == layers - 1,
    "none": lambda *_: False,
}
"""By name, which of so many layers, counted from 0, have adapters in their MLP. [paper: the first three]"""
_LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.(self_attn\.[qkvo]_proj|mlp\.(?:gate|up|down)_proj)$")
# Vision towers may have layers of the same names; the paper adapts the language model.
_EYE = re.compile(r"(?:^|\.)(?:visual|vision\w*|image\w*)\.")


@dataclass(frozen=True)
class SFT:
    """``W x + (alpha / rank) B A x``, its direction apart from its length where ``dora`` (arXiv 2402.09353)."""

    rank: int = 16
    alpha: int = 64
    dropout: float = 0.1
    dora: bool = True
    mlp: str = "last2"
    """A name of ``DEEP``."""

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha < 1 or not 0 <= self.dropout < 1:
            raise InputError(
                f"rank={self.rank} and alpha={self.alpha} must be 1 or more and dropout={self.dropout} in [0, 1), or "
                "nothing adapts"
            )
        if self.mlp not in DEEP:
            raise InputError(f"mlp={self.mlp!r} must be one of {', '.join(DEEP)}: other patterns have no name")


def targets(model: nn.Module, mlp: str) -> list[str]:
    """The full names of the projections that adapt.

    Raises InputError for a model without layers of Llama's and Qwen's names.
    """
    found = [(name, int(match[1]), match[2]) for name, _ in model.named_modules() if (match := _match(name))]
    if not found:
        raise InputError(
            f"{type(model).__name__} has no layers.N.self_attn.q_proj and the like, so it is not known where it adapts"
        )
    layers = 1 + max(layer for _, layer, _ in found)
    deep = DEEP[mlp]
    return [name for name, layer, part in found if part.startswith("self_attn") or deep(layer, layers)]


def _match(name: str) -> re.Match[str] | None:
    return None if _EYE.search(name) else _LAYER.search(name)


def adapted(model: nn.Module, rules: SFT) -> Any:
    """The model with fresh adapters, which alone train; as PEFT wraps it."""
    config = LoraConfig(
        r=rules.rank,
        lora_alpha=rules.alpha,
        lora_dropout=rules.dropout,
        use_dora=rules.dora,
        target_modules=targets(model, rules.mlp),
    )
    with warnings.catch_warnings():
        # PEFT reads a flag that transformers renames.
        warnings.simplefilter("ignore")
        return get_peft_model(model, config)
