"""`mlecs heal`: the edge language models, pruned and healed.

It measures what captions cost them before and after, and how well they read those that stand in their soft prompt.
"""

import json
from difflib import get_close_matches
from pathlib import Path

import torch
from torch.nn import functional as F

from mlecs_ray.data.dataset import Split, load
from mlecs_ray.errors import InputError
from mlecs_ray.metrics.registry import measure
from mlecs_ray.models import slm as slms
from mlecs_ray.models.decode import greedy
from mlecs_ray.models.heal import RECIPES, captions_of, cut, healing_texts
from mlecs_ray.models.lora import LoRA, backbone, init_lora
from mlecs_ray.models.reading import INSTRUCTION
from mlecs_ray.models.slm import SLM, text_nll
from mlecs_ray.models.targets import tokens
from mlecs_ray.models.words import find_space
from mlecs_ray.report.tables import Table
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.captions import build_missing, find_dictionary, find_slm, find_slm_source

PROMPT = "A picture caption:\n"
LONGEST = 16
"""Tokens of what is read."""
EVERY = 4
"""Of the captions, which none of these models has learned from, so many-th is measured."""
HEADER = (
    "model",
    "layers",
    "parameters",
    "healed in",
    "loss",
    "cut: nats per token, caption",
    "healed",
    "reads",
    "sha256",
)


def table(names: list[str]) -> Table:
    """A row per size, built on the first call (minutes), and one for the model that they come from."""
    for name in names:
        if name not in RECIPES:
            near = get_close_matches(name, RECIPES, 1) or list(RECIPES)
            raise InputError(f"{name!r} is no edge language model, so nothing was healed; did you mean {near[0]}?")
    chosen = tuple(names or RECIPES)
    build_missing(chosen)
    data = load("stamps", 0, Split(0.0, 0.2), ("image",))
    captions = sorted({*data.train.texts, *data.test.texts})[::EVERY]
    full = slms.load(Path(find_slm_source()))
    rows = [*(_row(name, full, captions) for name in chosen), _source(full, captions)]
    return Table(f"Nats on {len(captions)} captions of stamps", HEADER, tuple(rows))


def _row(name: str, full: SLM, captions: list[str]) -> tuple[str, ...]:
    recipe, folder = RECIPES[name], Path(find_slm(name))
    note = json.loads((folder / "recipe.json").read_text())
    dictionary = find_dictionary()
    texts = [*healing_texts(recipe, dictionary), *captions_of(full, recipe, dictionary)]
    broken = cut(full, recipe, texts, dictionary)
    return (
        name,
        ", ".join(map(str, recipe.layers)),
        f"{note['parameters']:,}",
        f"{len(note['loss'])} steps, {note['seconds']:.0f} s",
        f"{note['loss'][0]:.1f} -> {note['loss'][-1]:.1f}",
        _nats(broken, captions),
        _nats(slms.load(folder), captions),
        _reads(folder, captions, recipe.reading.soft_tokens),
        note["sha256"][:12],
    )


def _source(full: SLM, captions: list[str]) -> tuple[str, ...]:
    return ("smollm2", "all", f"{full.model.num_parameters():,}", "-", "-", "-", _nats(full, captions), "-", "-")


def _reads(folder: Path, captions: list[str], soft_tokens: int) -> str:
    """Rouge-LSum, of all and of content words, of what the model says of captions that stand in its soft prompt."""
    space = find_space(str(folder))
    if space is None:
        return "-"
    lm = backbone(str(folder), LoRA(rank=1, alpha=1))
    meant = space.vectors([torch.tensor(tokens(lm, text)) for text in captions])
    soft = (F.gelu(meant) @ space.reading.T)[:, None].expand(-1, soft_tokens, -1)
    head = lm.embed(torch.tensor([tokens(lm, INSTRUCTION)])).expand(len(captions), -1, -1)
    none = init_lora({leaf: torch.Generator() for leaf in lm.leaves})
    said = greedy(lm, none, torch.cat([soft, head], 1), LONGEST)
    scores = measure(("rouge_lsum", "rouge_lsum_content"), said, Samples({"nothing": meant}, texts=tuple(captions)))
    return "{:.3f}, {:.3f}".format(*scores.values())


def _nats(slm: SLM, captions: list[str]) -> str:
    return "{:.2f}, {:.1f}".format(*text_nll(slm, captions, PROMPT))
