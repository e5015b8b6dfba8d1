"""A language model of a few thousand random weights with a byte-level tokenizer, as a Hugging Face folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from mlecs_ray.method import Budget, Client
from mlecs_ray.models.reading import Dictionary
from mlecs_ray.models.slm import SLM, save

# "the" is merged from "th" and "e", so keeping it must keep "th".
MERGES = [("t", "h"), ("th", "e"), ("a", "n"), ("Ġ", "the"), ("an", "d"), ("Ġ", "a")]
BUDGET = Budget(1e9, 1e9, 1e6, 1e6, 0.0, 0.0, 0.0, None)


def tokenizer() -> Any:
    """End-of-text, all bytes and six merges."""
    texts = ["<eos>", *sorted(ByteLevel.alphabet()), *("".join(pair) for pair in MERGES)]
    base = Tokenizer(BPE({text: i for i, text in enumerate(texts)}, MERGES))
    base.pre_tokenizer, base.decoder = ByteLevel(add_prefix_space=False), ByteLevelDecoder()
    return PreTrainedTokenizerFast(tokenizer_object=base, eos_token="<eos>", bos_token="<eos>", pad_token="<eos>")


def slm(layers: int = 4, width: int = 16) -> SLM:
    torch.manual_seed(0)
    words = tokenizer()
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=width,
        intermediate_size=24,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
        initializer_range=0.3,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
    )
    return SLM(LlamaForCausalLM(config).eval(), words)


def folder(where: Path, model: SLM | None = None) -> str:
    save(model or slm(), where)
    return str(where)


def dictionary(where: Path, nouns: str, encoder: str = "letters") -> Dictionary:
    """A WordNet folder of these lines, and a sentence encoder that counts letters."""
    where.mkdir(exist_ok=True)
    (where / "data.noun").write_text(nouns)
    for part in ("verb", "adj", "adv"):
        (where / f"data.{part}").write_text("")
    return Dictionary(where, letters, encoder)


def letters(texts: Sequence[str]) -> Tensor:
    """(n, 26)."""
    return torch.tensor([[float(text.lower().count(chr(97 + i))) for i in range(26)] for text in texts])


def client(*modalities: str, structure: str = "") -> Client:
    return Client(7, frozenset(modalities), BUDGET, "phone", 4, structure)
