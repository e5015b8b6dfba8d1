"""llama.cpp by its C interface: a model with one context, fed with embedded tokens."""

import ctypes
import logging
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_ERROR = 4
"""llama.cpp's level of messages that say that something failed."""
_FLOAT32 = 0
"""Its number for this type."""


@dataclass(frozen=True)
class Size:
    """What a context holds: ``rows`` sequences of ``context`` tokens, read up to ``batch`` tokens at once."""

    rows: int
    context: int
    batch: int


class Llama:
    """The model in a GGUF file without vocabulary, keys and values in float32, on ``threads`` threads of the CPU.

    Its memory is freed with the object. Raises RuntimeError where llama.cpp fails.
    """

    def __init__(self, path: Path, size: Size, threads: int) -> None:
        llama_cpp.llama_log_set(_tell, ctypes.c_void_p(0))
        self._model = _loaded(path)
        self._context = _opened(self._model, size, threads)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self._model))
        self.cells = int(llama_cpp.llama_n_ctx(self._context))
        """Tokens that there is room for."""
        weakref.finalize(self, _free, self._model, self._context)

    def decode(self, embeds: Tensor, places: NDArray[np.int32], sequences: NDArray[np.int32]) -> Tensor:
        """Logits (n, vocabulary) after the last of t more tokens of n sequences: (n, t, hidden), places (n, t), (n,).

        They are valid until the next call.
        """
        count, tokens, _ = embeds.shape
        flat, places = embeds.contiguous().numpy(), np.ascontiguousarray(places)
        owners, ends = np.repeat(sequences, tokens), np.zeros((count, tokens), np.int8)
        many, ends[:, -1] = np.ones_like(owners), 1
        # A token may belong to several sequences, so that there is a pointer to a list of its own for each.
        lists = (owners.ctypes.data + owners.itemsize * np.arange(len(owners))).astype(np.uintp)
        batch = llama_cpp.llama_batch(
            n_tokens=len(owners),
            embd=flat.ctypes.data_as(ctypes.POINTER(ctypes.c_float)),
            pos=places.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            n_seq_id=many.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            seq_id=lists.ctypes.data_as(ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
            logits=ends.ctypes.data_as(ctypes.POINTER(ctypes.c_int8)),
        )
        failed = llama_cpp.llama_decode(self._context, batch)
        if failed:
            raise RuntimeError(f"llama.cpp says {failed} to {count} rows of {tokens} tokens: they are not answered")
        told = np.ctypeslib.as_array(llama_cpp.llama_get_logits(self._context), (count, self._vocabulary))
        return torch.from_numpy(told)

    def forget(self, sequence: int) -> None:
        """All tokens of a sequence; of all sequences for -1."""
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def load(self, path: Path) -> Any:
        """Adapters from a file, which is not needed afterwards; they stay until ``unload``."""
        found = llama_cpp.llama_adapter_lora_init(self._model, str(path).encode())
        if not found:
            raise RuntimeError(f"llama.cpp could not load the adapters in {path}: nobody can answer with them")
        return found

    def unload(self, adapters: Any) -> None:
        """Free adapters, which must not be worn."""
        llama_cpp.llama_adapter_lora_free(adapters)

    def wear(self, adapters: Any, scale: float) -> None:
        """From here on the model runs under these: ``W x + scale B A x``."""
        worn = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(adapters)
        llama_cpp.llama_set_adapters_lora(self._context, worn, 1, (ctypes.c_float * 1)(scale))


def _loaded(path: Path) -> Any:
    params = llama_cpp.llama_model_default_params()
    params.n_gpu_layers = 0
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
    if not model:
        raise RuntimeError(f"llama.cpp could not load {path}: remove its folder, and it is converted anew")
    return model


def _opened(model: Any, size: Size, threads: int) -> Any:
    params = llama_cpp.llama_context_default_params()
    params.n_ctx, params.n_seq_max = size.rows * size.context, size.rows
    params.n_batch = params.n_ubatch = max(size.batch, size.rows)
    params.n_threads = params.n_threads_batch = threads
    params.type_k = params.type_v = _FLOAT32
    params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    # Any rows may run together, and a long one may take what a short one leaves.
    params.kv_unified = True
    params.offload_kqv = params.op_offload = False
    context = llama_cpp.llama_init_from_model(model, params)
    if not context:
        llama_cpp.llama_model_free(model)
        raise RuntimeError(f"llama.cpp has no memory for {size.rows} rows of {size.context} tokens: serve fewer")
    return context


def _free(model: Any, context: Any) -> None:
    llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)


def _log(level: int, text: bytes, _: Any) -> None:
    if level == _ERROR:
        logging.getLogger(__name__).error(text.decode(errors="replace").rstrip())


# llama.cpp keeps its address, so it must live for as long as the process.
_tell = llama_cpp.llama_log_callback(_log)
