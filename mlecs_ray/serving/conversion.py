"""Frozen models and adapters as the GGUF files that llama.cpp reads: float32, nothing rounded.

Requests come embedded and answers go out as token ids, so no tokenizer is written: ids are those of the model's own.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import gguf
from torch import Tensor

from mlecs_ray.cache import build_once, derived
from mlecs_ray.errors import InputError
from mlecs_ray.models.lora import Backbone
from mlecs_ray.tree import Tree

FILE = "model.gguf"
_CONVERTER = 1
"""Counts the ways in which models were written."""
_ARCHITECTURE = "llama"


def converted(lm: Backbone) -> Path:
    """The backbone's GGUF file, written to the cache on the first call. Raises InputError where it is no Llama."""
    check(lm)
    recipe = {"weights": _digest(lm), "converter": _CONVERTER}
    return build_once(derived("gguf", recipe), lambda out: _write_model(lm, out / FILE)) / FILE


def check(lm: Backbone) -> None:
    """Raise InputError for a model whose arithmetic this file does not hold."""
    config = lm.decoder.config
    kind, rope = config.model_type, config.rope_parameters.get("rope_type") if config.model_type == "llama" else None
    if kind != _ARCHITECTURE or rope != "default" or config.attention_bias or config.mlp_bias:
        raise InputError(
            f"a model of type {kind!r} with rotary positions {rope!r} must be a plain Llama without biases, or "
            "llama.cpp would say something else; use engine=transformers"
        )


def _write_model(lm: Backbone, path: Path) -> None:
    writer = gguf.GGUFWriter(path, _ARCHITECTURE)
    _describe(writer, lm.decoder.config)
    for name, weight in _weights(lm):
        writer.add_tensor(name, weight.numpy())
    _finish(writer)


def _describe(writer: Any, config: Any) -> None:
    writer.add_tokenizer_model("none")
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def _weights(lm: Backbone) -> Iterator[tuple[str, Tensor]]:
    """The frozen weights by llama.cpp's names; a head that is tied to the word vectors is not written again."""
    config = lm.decoder.config
    for name, weight in _frozen(lm):
        module = name.removesuffix(".weight").removesuffix(".base_layer")
        yield _named(config, module), _turned(config, module, weight)
    if not config.tie_word_embeddings:
        yield "output.weight", lm.peft.get_output_embeddings().weight.detach()


def _frozen(lm: Backbone) -> Iterator[tuple[str, Tensor]]:
    own = {leaf.parameter for leaf in lm.leaves}
    return ((name, p.detach()) for name, p in lm.decoder.named_parameters() if name not in own)


def write_adapter(lm: Backbone, adapters: Tree, path: Path) -> None:
    """One set of adapters, whose layers bear the numbers that they had before the model was cut, by its own numbers."""
    writer = gguf.GGUFWriter(path, _ARCHITECTURE)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    for leaf in lm.leaves:
        module = leaf.parameter.partition(".lora_")[0]
        matrix = adapters[leaf.module][leaf.side].detach()
        turned = _turned(lm.decoder.config, module, matrix) if leaf.side == "B" else matrix
        name = f"{_named(lm.decoder.config, module)}.lora_{leaf.side.lower()}"
        writer.add_tensor(name, turned.contiguous().numpy())
    _finish(writer)


def _named(config: Any, module: str) -> str:
    return f"{_names(config.num_hidden_layers).get_name(f'model.{module}')}.weight"


@cache
def _names(layers: int) -> Any:
    return gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, layers)


def _turned(config: Any, module: str, matrix: Tensor) -> Tensor:
    """Outputs of q and k in llama.cpp's order: it turns neighbours by an angle, transformers turns halves."""
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(module.rpartition(".")[2])
    if heads is None:
        return matrix
    return matrix.view(heads, 2, -1, matrix.shape[1]).transpose(1, 2).reshape(matrix.shape)


def _finish(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _digest(lm: Backbone) -> str:
    """SHA-256 over the frozen weights and what tells how to use them."""
    total = hashlib.sha256(repr(sorted(lm.decoder.config.to_diff_dict().items())).encode())
    for name, weight in _weights(lm):
        total.update(name.encode() + weight.contiguous().numpy().tobytes())
    return total.hexdigest()
