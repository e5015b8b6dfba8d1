"""From a scenario to the captioner: its language models found, or pruned and healed on the first call."""

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path

import torch

from mlecs_ray import cache
from mlecs_ray.data import assets
from mlecs_ray.data.backbones import text_features
from mlecs_ray.data.catalogue import OWN
from mlecs_ray.data.pool import Shape
from mlecs_ray.errors import InputError
from mlecs_ray.models.captioner import CaptionTask
from mlecs_ray.models.heal import RECIPES, build_slm, slm_folder
from mlecs_ray.models.lora import LoRA
from mlecs_ray.models.reading import Dictionary, Reading, phrases, space_of
from mlecs_ray.models.slm import load, smollm2
from mlecs_ray.models.structure import Structure
from mlecs_ray.models.words import FILE, save_space
from mlecs_ray.scenario.config import Scenario

CLOUD = "cloud"
"""The structure of the cloud LLM."""
DICTIONARY = "wordnet"
"""The asset that edge language models are healed on, beside documentation."""
ENCODER = "minilm"
"""The asset that tells which things are alike."""
SOURCE = "smollm2"
"""The asset that they are cut from, itself a cloud LLM."""
_WORDS = 1
"""Counts the ways in which its word space was made."""
HIDDEN = ((128,), (64,))
"""Hidden widths of the modality encoders: those of the first structure, and of all others. Smaller devices have
other encoders, not only smaller language models."""


def caption_task(scenario: Scenario, shape: Shape) -> CaptionTask:
    """The captioner over this data's modalities. Raises InputError where a model is not to be had."""
    task = scenario.task
    if not shape.texts:
        raise InputError(f"task.kind=caption needs texts to learn, {shape.name} has none; try mlp or fusion")
    build_missing(task.slms)
    hidden = {name: HIDDEN[min(i, 1)] for i, name in enumerate(task.slms)}
    models = {name: name for name in task.slms}
    if task.cloud_llm:
        hidden[CLOUD], models[CLOUD] = HIDDEN[0], task.cloud_llm
    structures = [
        Structure(
            name,
            str(find_slm(model)),
            hidden[name],
            task.fusions.get(name, "fusion"),
            task.ranks.get(name),
            name == CLOUD,
        )
        for name, model in models.items()
    ]
    # The scale alpha / rank is 2 at every rank [paper: 16 / 8], so that adapters of unequal rank can be merged.
    lora = LoRA(rank=task.rank, alpha=2 * task.rank)
    return CaptionTask(
        tuple(structures), shape.widths, lora, task.soft_tokens, task.instruction, task.max_tokens, task.noise
    )


def build_missing(names: Sequence[str]) -> None:
    """Heal several sizes side by side: each takes minutes of one core."""
    missing = [
        name
        for name in names
        if name in RECIPES and not slm_folder(name, RECIPES[name], find_slm_source(), find_dictionary()).is_dir()
    ]
    if len(missing) > 1:
        with ProcessPoolExecutor(len(missing), multiprocessing.get_context("spawn")) as pool:
            list(pool.map(find_slm, missing))


@lru_cache
def find_slm(name: str) -> Path | str:
    """A shipped size (built once, minutes), ``smollm2``, a model folder, an asset ``file:PATH`` or
    ``hf:OWNER/REPO@COMMIT``, or a Hugging Face id.

    Raises InputError where an asset that it needs was not fetched.
    """
    if name in RECIPES:
        return build_slm(name, RECIPES[name], find_slm_source(), dictionary=find_dictionary())
    if name == SOURCE:
        return _with_words(find_slm_source())
    if name.startswith(OWN):
        return assets.find(name).resolve()
    path = Path(name).expanduser()
    return path.resolve() if path.exists() else name


def _with_words(folder: Path) -> Path:
    """The same model with its word space beside it, made on the first call: a folder that shares the files of the
    other."""
    dictionary, most = find_dictionary(), Reading().phrases
    key = {
        "source": folder.name,
        "dictionary": dictionary.folder.name,
        "encoder": dictionary.encoder,
        "phrases": most,
        "builder": _WORDS,
    }

    def build(out: Path) -> None:
        for file in folder.iterdir():
            # Earlier versions put a space beside the source itself.
            if file.name != FILE:
                os.link(file, out / file.name)
        slm = load(folder)
        save_space(space_of(slm, phrases(dictionary.folder, slm.tokenizer, most), dictionary), out)

    return cache.build_once(cache.derived(f"{SOURCE}-words", key), build)


def find_dictionary() -> Dictionary:
    """WordNet, and MiniLM to say which of its things are alike. Raises InputError where either was not fetched."""
    folder = assets.find(DICTIONARY)
    assets.find(ENCODER)
    return Dictionary(folder, lambda texts: torch.from_numpy(text_features(texts)), assets.lookup(ENCODER).sha256)


def find_slm_source() -> Path:
    """SmolLM2-135M, converted once from its asset."""
    return smollm2(assets.find(SOURCE))
