"""Causal language models from disk: any Hugging Face folder, and SmolLM2 as its GGUF file holds it."""

import contextlib
import copy
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from mlecs_ray import cache
from mlecs_ray.errors import InputError

_CONVERTER = 1


@dataclass(frozen=True)
class SLM:
    """A causal LM in float32 on the CPU, and its tokenizer. Both are the classes of ``transformers``."""

    model: Any
    tokenizer: Any


def load(source: str | Path, network: bool = False, **options: str) -> SLM:
    """The model in a Hugging Face folder, or of an id if ``network`` allows it or it was fetched before.

    ``options`` go to ``from_pretrained``, e.g. ``gguf_file`` or ``revision``. Raises InputError where nothing loads.
    """
    where = {"local_files_only": not network, **options}
    quiet()
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(source), **where)
        model: Any = AutoModelForCausalLM.from_pretrained(str(source), dtype=torch.float32, **where)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{source} must be the folder of a causal language model, or an id fetched before, "
            f"so no model was loaded: {str(error).splitlines()[0]}"
        ) from error
    return SLM(model.eval(), tokenizer)


def blank(config: Any) -> Any:
    """A model of this configuration in float32, its weights not yet loaded."""
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32)  # type: ignore[no-untyped-call]  # not typed


def quiet() -> None:
    """No bars of ``transformers`` in this process."""
    # A progress bar per model and process would bury the run's own.
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers does not type it


def save(slm: SLM, out: Path) -> None:
    """Write model and tokenizer as a Hugging Face folder."""
    quiet()
    slm.model.save_pretrained(out)
    slm.tokenizer.save_pretrained(out)


def convert_gguf(asset_dir: Path, out: Path) -> None:
    """Unpack the one GGUF file under ``asset_dir`` to float32 safetensors in ``out``."""
    files = sorted(asset_dir.rglob("*.gguf"))
    if len(files) != 1:
        raise InputError(f"{asset_dir} holds {len(files)} .gguf files, not 1, so it is not clear what to convert")
    # transformers draws a bar for this that nothing turns off.
    with contextlib.redirect_stderr(io.StringIO()):
        slm = load(files[0].parent, gguf_file=files[0].name)
    # A model that came from GGUF refuses casts and says "quantized" when saved: a fresh one does neither.
    config = copy.deepcopy(slm.model.config)
    del config.quantization_config
    fresh = blank(config)
    fresh.load_state_dict(slm.model.state_dict())
    save(SLM(fresh, slm.tokenizer), out)
    note = {"gguf": files[0].name, "sha256": weights_digest(out)}
    (out / "recipe.json").write_text(json.dumps(note, indent=1))


def smollm2(asset_dir: Path) -> Path:
    """The folder of SmolLM2-135M, converted from its GGUF asset on the first call."""
    recipe = {"asset": asset_dir.name, "converter": _CONVERTER}
    return cache.build_once(cache.derived("smollm2-135m", recipe), lambda out: convert_gguf(asset_dir, out))


def weights_digest(folder: Path) -> str:
    """SHA-256 over the safetensors files of a model folder, in the order of their names."""
    total = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                total.update(block)
    return total.hexdigest()


def layer_numbers(config: Any) -> tuple[int, ...]:
    """The numbers that the layers had in the model they come from; 0, 1, ... where none was cut."""
    return tuple(getattr(config, "mlecs_layers", None) or range(config.num_hidden_layers))


@torch.no_grad()
def text_nll(slm: SLM, texts: Sequence[str], prompt: str) -> tuple[float, float]:
    """Nats per token and nats per text that the model needs for ``texts``, each on a line of its own after ``prompt``.

    Nats per text compare models of different vocabularies; nats per token do not.
    """
    nats, tokens = 0.0, 0
    head = slm.tokenizer(prompt, add_special_tokens=False)["input_ids"]
    for start in range(0, len(texts), 32):
        ends = [slm.tokenizer(f"{text}\n", add_special_tokens=False)["input_ids"] for text in texts[start : start + 32]]
        ids = pad_sequence([torch.tensor(head + end) for end in ends], batch_first=True, padding_value=-100)
        logits: Tensor = slm.model(ids.clamp(min=0)).logits[:, len(head) - 1 : -1]
        nats += float(F.cross_entropy(logits.flatten(0, 1), ids[:, len(head) :].flatten(), reduction="sum"))
        tokens += sum(map(len, ends))
    return nats / max(tokens, 1), nats / max(len(texts), 1)
