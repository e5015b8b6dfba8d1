"""Smaller language models cut out of a larger one: fewer layers and fewer tokens, the rest as it was."""

import copy
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import ByteLevel
from torch import nn
from transformers import PreTrainedTokenizerFast

from mlecs_ray.errors import InputError
from mlecs_ray.models.slm import SLM, blank, layer_numbers


def prune(
    slm: SLM, layers: Sequence[int], vocabulary: int | None, texts: Iterable[str] = (), first: Sequence[int] = ()
) -> SLM:
    """Keep these layers, in the model's order, and ``vocabulary`` tokens: ``first``, then the commonest in ``texts``.

    The model must be of the Llama family (``model.layers``). ``config.mlecs_layers`` records the original numbers, so
    that adapters of models of different depth merge by the layer they stand for. ``vocabulary=None`` keeps all tokens.
    """
    tokenizer, kept = slm.tokenizer, list(range(len(slm.tokenizer)))
    if vocabulary is not None:
        kept = _commonest(slm.tokenizer, vocabulary, texts, first)
        tokenizer = _smaller_tokenizer(slm.tokenizer, kept)
    return SLM(_smaller_model(slm.model, sorted(set(layers)), kept, tokenizer), tokenizer)


def _smaller_model(model: Any, layers: list[int], kept: list[int], tokenizer: Any) -> Any:
    numbers = layer_numbers(model.config)
    if not layers or not set(layers) <= set(numbers):
        raise InputError(f"layers={tuple(layers)} must be one or more of {numbers}, or nothing is left to run")
    config = copy.deepcopy(model.config)
    config.update({"num_hidden_layers": len(layers), "vocab_size": len(kept), "mlecs_layers": layers})
    config.update({f"{role}_token_id": getattr(tokenizer, f"{role}_token_id") for role in ("bos", "eos", "pad")})
    small = blank(config)
    small.model.layers = nn.ModuleList(copy.deepcopy(model.model.layers[numbers.index(n)]) for n in layers)
    for index, layer in enumerate(small.model.layers):
        # Each attention finds its keys and values in the cache by this index.
        layer.self_attn.layer_idx = index
    small.model.norm.load_state_dict(model.model.norm.state_dict())
    with torch.no_grad():
        small.get_input_embeddings().weight.copy_(model.get_input_embeddings().weight[kept])
        small.get_output_embeddings().weight.copy_(model.get_output_embeddings().weight[kept])
    return small.eval()


def _commonest(tokenizer: Any, vocabulary: int, texts: Iterable[str], first: Sequence[int]) -> list[int]:
    """Sorted ids: all special tokens and bytes, then ``first``, then tokens by count, each with the tokens it is merged
    from."""
    spec = json.loads(tokenizer.backend_tokenizer.to_str())
    if spec["model"]["type"] != "BPE":
        raise InputError(f"the tokenizer is {spec['model']['type']}, not byte-level BPE, so its tokens cannot be cut")
    ids: dict[str, int] = spec["model"]["vocab"]
    kept = {token["id"] for token in spec["added_tokens"]} | {ids[c] for c in ByteLevel.alphabet() if c in ids}
    if vocabulary < len(kept):
        raise InputError(f"vocabulary={vocabulary} must be {len(kept)} or more, or some text cannot be written")
    parts = {ids[left + right]: (ids[left], ids[right]) for left, right in reversed(_pairs(spec))}
    for token in (*first, *_by_count(tokenizer, texts, len(tokenizer))):
        needed = _ancestry(token, parts, kept)
        if len(kept) + len(needed) <= vocabulary:
            kept |= needed
    return sorted(kept)


def _by_count(tokenizer: Any, texts: Iterable[str], size: int) -> list[int]:
    """All ids, commonest first; ties, and those that never occur, in the tokenizer's own order."""
    counts: Counter[int] = Counter()
    for encoding in tokenizer.backend_tokenizer.encode_batch_fast(list(texts), add_special_tokens=False):
        counts.update(encoding.ids)
    return sorted(range(size), key=lambda token: (-counts[token], token))


def _ancestry(token: int, parts: Mapping[int, tuple[int, int]], kept: set[int]) -> set[int]:
    """``token`` and the tokens it is merged from, those already kept apart: without them no merge would reach it."""
    needed: set[int] = set()
    todo = [token]
    while todo:
        one = todo.pop()
        if one not in kept and one not in needed:
            needed.add(one)
            todo.extend(parts.get(one, ()))
    return needed


def _pairs(spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The merges; older tokenizer files write each as one string."""
    split = (merge.split(" ") if isinstance(merge, str) else merge for merge in spec["model"]["merges"])
    return [(left, right) for left, right in split]


def _smaller_tokenizer(tokenizer: Any, kept: Sequence[int]) -> Any:
    """The same tokenizer with only these tokens, renumbered in order, and the merges among them."""
    spec = json.loads(tokenizer.backend_tokenizer.to_str())
    number = {old: new for new, old in enumerate(kept)}
    vocab = {text: number[old] for text, old in spec["model"]["vocab"].items() if old in number}
    merges = [list(pair) for pair in _pairs(spec) if {*pair, "".join(pair)} <= vocab.keys()]
    spec["model"].update(vocab=vocab, merges=merges)
    spec["added_tokens"] = [{**token, "id": number[token["id"]]} for token in spec["added_tokens"]]
    # A template of special tokens names them by their old numbers; the models here are given ids without any.
    spec["post_processor"] = None
    roles = {f"{role}_token": getattr(tokenizer, f"{role}_token") for role in ("bos", "eos", "pad", "unk")}
    rebuild: Any = PreTrainedTokenizerFast
    return rebuild(tokenizer_object=Tokenizer.from_str(json.dumps(spec)), **roles)
