"""Healing: a little language-model training that mends a pruned model, as a build step with a recipe.

First ordinary training on plain text; then, where there is a dictionary, the same beside training to read soft
prompts: by itself that would make the model forget how sentences go.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from mlecs_ray import cache
from mlecs_ray.errors import InputError
from mlecs_ray.models import corpus
from mlecs_ray.models.arithmetic import halved
from mlecs_ray.models.descent import trained
from mlecs_ray.models.prune import prune
from mlecs_ray.models.reading import Dictionary, Lesson, Reading, names, phrases, space_of
from mlecs_ray.models.slm import SLM, load, save, weights_digest
from mlecs_ray.models.words import WordSpace, meant, save_space, set_apart
from mlecs_ray.seeds import derive

_BUILDER = 10
# Two threads save 40 % on an idle machine and cost 300 % on a busy one; and two sizes can be built side by side.
_THREADS = 1


@dataclass(frozen=True)
class HealRecipe:
    """All that decides a pruned and healed model, its source and the machine's arithmetic apart."""

    layers: tuple[int, ...] = (0, 1, 2, 3, 28, 29)
    vocabulary: int = 14000
    steps: int = 40
    """On plain text alone; those of ``reading`` follow."""
    batch: int = 4
    length: int = 64
    """Tokens per row."""
    lr: float = 1e-3
    """Peak of the rate of the word vectors, a hundredth of that of the matrices: a tenth of the steps up, then a cosine
    down to zero."""
    seed: int = 0
    packages: tuple[str, ...] = corpus.PACKAGES
    reading: Reading = field(default_factory=Reading)

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.length - 1) < 1 or not self.lr > 0:
            raise InputError(
                f"steps={self.steps}, batch={self.batch}, length={self.length} and lr={self.lr} must be above 0 "
                "(length above 1), or nothing is healed"
            )


RECIPES: Mapping[str, HealRecipe] = {
    "edge-small": HealRecipe(layers=(0, 1, 28, 29)),
    # At the rate of the smaller one it comes apart when reading begins, in one build of two.
    "edge-base": HealRecipe(layers=(0, 1, 2, 3, 28, 29), lr=6e-4),
}
"""The sizes that ship."""


def build_slm(name: str, recipe: HealRecipe, source: Path, dictionary: Dictionary | None = None) -> Path:
    """The folder of ``source`` pruned and healed by ``recipe``, made on the first call (minutes), then found.

    Healed on the documentation of ``recipe.packages``, and on the entries and names of ``dictionary`` if given.
    """
    key = _key(recipe, source, dictionary)

    def build(out: Path) -> None:
        note = {"key": key, **_build(recipe, source, dictionary, out)}
        (out / "recipe.json").write_text(json.dumps(note, indent=1))

    return cache.build_once(cache.derived(name, key), build)


def healing_texts(recipe: HealRecipe, dictionary: Dictionary | None = None) -> list[str]:
    """The plain text that a model is healed by."""
    return corpus.documents(recipe.packages) + (corpus.glosses(dictionary.folder) if dictionary else [])


def captions_of(whole: SLM, recipe: HealRecipe, dictionary: Dictionary | None = None) -> list[str]:
    """What a model cut from ``whole`` learns to read by; without a dictionary it does not."""
    return phrases(dictionary.folder, whole.tokenizer, recipe.reading.phrases) if dictionary else []


def cut(whole: SLM, recipe: HealRecipe, texts: Sequence[str], dictionary: Dictionary | None = None) -> SLM:
    """``whole`` pruned as the recipe says, with the names of things and the commonest tokens of ``texts``."""
    first = list(names(dictionary.folder, whole.tokenizer).values()) if dictionary else []
    return prune(whole, recipe.layers, recipe.vocabulary, texts, first)


def slm_folder(name: str, recipe: HealRecipe, source: Path, dictionary: Dictionary | None = None) -> Path:
    """Where ``build_slm`` puts, or has put, this model."""
    return cache.derived(name, _key(recipe, source, dictionary))


def _key(recipe: HealRecipe, source: Path, dictionary: Dictionary | None) -> dict[str, Any]:
    """All that decides the weights."""
    return {
        "recipe": asdict(recipe),
        "source": _source_digest(source),
        "packages": corpus.versions(recipe.packages),
        "dictionary": [dictionary.folder.name, dictionary.encoder] if dictionary else [],
        "builder": _BUILDER,
    }


def _source_digest(source: Path) -> str:
    note = source / "recipe.json"
    return str(json.loads(note.read_text())["sha256"]) if note.is_file() else weights_digest(source)


def _build(recipe: HealRecipe, source: Path, dictionary: Dictionary | None, out: Path) -> dict[str, Any]:
    """Prune, heal and save; the record of it."""
    began = time.perf_counter()
    texts = healing_texts(recipe, dictionary)
    whole = load(source)
    said = captions_of(whole, recipe, dictionary)
    slm = cut(whole, recipe, [*texts, *said], dictionary)
    with _arithmetic("highest"):
        space = _learn_meanings(slm, said, recipe.reading, dictionary) if dictionary else None
    with _arithmetic("medium"):
        lesson = Lesson(slm, space, said, recipe.reading, recipe.seed) if space else None
        losses = heal(slm, texts, recipe, lesson)
    if lesson:
        save_space(lesson.space, out)
    save(slm, out)
    return {
        "trainers": corpus.versions(("torch", "transformers")),
        "corpus_sha256": corpus.digest(texts),
        "sha256": weights_digest(out),
        "parameters": sum(p.numel() for p in slm.model.parameters()),
        "loss": losses,
        "seconds": round(time.perf_counter() - began, 1),
    }


@contextmanager
def _arithmetic(precision: str) -> Iterator[None]:
    """Compute on ``_THREADS`` for a while, whatever the caller has set, and multiply with this precision.

    "medium" multiplies in bfloat16 where the processor has matrix units for it: twice as fast. Weights, sums and steps
    stay in float32.
    """
    usual = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(_THREADS)
    torch.set_float32_matmul_precision(precision)
    try:
        # The fused attention repacks its matrices for those units, which costs more than rows this short can gain.
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.set_num_threads(usual[0])
        torch.set_float32_matmul_precision(usual[1])


def _learn_meanings(slm: SLM, said: Sequence[str], reading: Reading, dictionary: Dictionary) -> WordSpace:
    """The space of a model, whose names of things get their meanings, in place; also in a head of its own."""
    own, head = slm.model.get_input_embeddings().weight, slm.model.get_output_embeddings().weight
    space = space_of(slm, said, dictionary)
    named = list(names(dictionary.folder, slm.tokenizer).values())
    if not reading.meant or not named:
        return space
    apart = set_apart(space, own.detach())
    with torch.no_grad():
        for words in {id(weight): weight for weight in (own, head)}.values():
            words.copy_(meant(apart, words, reading.meant, named))
    return apart


def heal(slm: SLM, texts: Sequence[str], recipe: HealRecipe, lesson: Lesson | None = None) -> list[float]:
    """Train all of ``slm.model``, in place, to continue ``texts`` and, after ``recipe.steps``, to read as well.

    Returns the loss of each step, in nats per token: of plain text, then the sum of both.
    """
    steps = recipe.steps + (lesson.reading.steps if lesson else 0)
    batches = enumerate(torch.split(_rows(slm.tokenizer, texts, recipe, steps), recipe.batch))

    def loss() -> Tensor:
        step, ids = next(batches)
        with halved():
            plain = F.cross_entropy(slm.model(ids).logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten())
            return plain + lesson.loss() if lesson and step >= recipe.steps else plain

    return trained(slm.model, loss, steps, recipe.lr, [lesson.matrix] if lesson else ())


def _rows(tokenizer: Any, texts: Sequence[str], recipe: HealRecipe, steps: int) -> Tensor:
    """(steps * batch, length) token ids: the shuffled texts, joined by end-of-text and cut evenly."""
    need = steps * recipe.batch * recipe.length
    generator = torch.Generator().manual_seed(derive(recipe.seed, "heal"))
    ids: list[int] = []
    while texts and len(ids) < need:
        # A corpus that is too short is read again, in another order.
        for index in torch.randperm(len(texts), generator=generator).tolist():
            ids += [*tokenizer(texts[index], add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
            if len(ids) >= need:
                break
    if not ids:
        raise InputError(f"packages={recipe.packages} hold no text, so there is nothing to heal with")
    return torch.tensor(ids[:need]).view(-1, recipe.length)
