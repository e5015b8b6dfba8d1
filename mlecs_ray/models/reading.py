"""Learning to read soft prompts: the second part of healing, on the nouns of a dictionary said as captions.

A model that was cut and healed on plain text still passes over what stands in a soft prompt. Here it is shown phrases
whose meaning stands there as one vector (``models/words.py``), and learns to say them; the vectors of these words
are given their meanings before, so that it need not learn which word a meaning is. They are things whose names the
original model's tokenizer has as whole words: a name put together from pieces is said half when the vector is not
quite clear, and half a name is no name.
"""

import itertools
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.errors import InputError
from mlecs_ray.models.slm import SLM
from mlecs_ray.models.words import WordSpace, taught_space, toward
from mlecs_ray.seeds import derive

INSTRUCTION = "Caption:"
"""What stands between soft prompt and answer while a model learns to read; the usual instruction of tasks."""
_THINGS = {5: 0.4, 6: 1.0, 8: 1.0, 13: 1.0, 15: 0.4, 17: 1.0, 18: 0.4, 20: 0.4, 25: 1.0, 27: 1.0}
"""WordNet's files of nouns for things that can be pointed at, by number, and the share of each that is taken: animals,
artifacts, bodies, food, places, objects, people, plants, shapes, substances."""
_COMMON = 16000
"""Tokens that are given a meaning by themselves: the first ones, which a tokenizer has for what is commonest."""
_LOOKS = (
    "red",
    "blue",
    "green",
    "yellow",
    "white",
    "black",
    "brown",
    "orange",
    "pink",
    "purple",
    "gray",
    "silver",
    "gold",
    "old",
    "small",
    "large",
    "big",
    "wooden",
    "young",
    "electric",
)


@dataclass(frozen=True)
class Dictionary:
    """Where the names of things are, and what tells which things are alike."""

    folder: Path
    """Of a WordNet database."""
    meanings: Callable[[Sequence[str]], Tensor]
    """A sentence encoder: texts to (n, e)."""
    encoder: str
    """Which one it is: another name, another model."""


@dataclass(frozen=True)
class Reading:
    """How long and on what a model learns to read."""

    steps: int = 150
    batch: int = 160
    phrases: int = 24000
    longest: int = 8
    """Tokens of a phrase that is read."""
    soft_tokens: int = 2
    meant: float = 1.0
    """How much of a meaning the vectors of names hold before, in lengths of a word's vector; 0: none."""
    noise: float = 2.0
    """Largest deviation of the noise on the vectors, whose own is 1: what is sensed is never quite the word, and a
    model that always heard it clearly would believe whatever it hears."""

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.phrases, self.longest, self.soft_tokens) < 1:
            raise InputError(f"{self} must have all but meant and noise above 0, or nothing is read")


def names(dictionary: Path, tokenizer: Any) -> dict[str, int]:
    """The words that things are called by in a WordNet folder, and how they look, each of one token, and that token.

    Raises InputError where the folder has no ``data.noun``.
    """
    said = dict.fromkeys(word for noun, _ in _nouns(dictionary) for word in noun.split(" "))
    ids = tokenizer([f" {word}" for word in (*said, *_LOOKS)], add_special_tokens=False)["input_ids"]
    return {word: row[0] for word, row in zip((*said, *_LOOKS), ids, strict=True) if len(row) == 1}


def phrases(dictionary: Path, tokenizer: Any, most: int, seed: int = 0) -> list[str]:
    """At most ``most`` nouns of a WordNet folder as captions: "A clothes hanger.", "A red kettle."

    Always the same ones, and only of words that are one token; without any such, as they come. Raises InputError
    where the folder has no ``data.noun``.
    """
    draw = random.Random(derive(seed, "phrases"))
    whole = names(dictionary, tokenizer)
    nouns = list(dict.fromkeys(noun for noun, share in _nouns(dictionary) if draw.random() < share))
    said = [noun for noun in nouns if all(word in whole for word in noun.split(" "))] or nouns
    draw.shuffle(said)
    # As often again, so that a thing is also said to be red or small.
    return list(dict.fromkeys(_said(noun, draw) for noun in [*said, *said]))[:most]


def _nouns(dictionary: Path) -> Iterator[tuple[str, float]]:
    """The first two words of each entry in lower case, of at most three parts, and the share of its file."""
    file = next(iter(sorted(dictionary.rglob("data.noun"))), None)
    if file is None:
        raise InputError(f"{dictionary} must hold data.noun of WordNet, or there are no things to name")
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        # The licence at the top is indented.
        if line.startswith("  "):
            continue
        entry = line.partition("|")[0].split(" ")
        for word in entry[4 : 4 + 2 * min(int(entry[3], 16), 2) : 2]:
            noun = word.replace("_", " ")
            if int(entry[1]) in _THINGS and re.fullmatch(r"[a-z'-]+( [a-z'-]+){0,2}", noun):
                yield noun, _THINGS[int(entry[1])]


def _said(noun: str, draw: random.Random) -> str:
    if draw.random() < 0.2:
        noun = f"{draw.choice(_LOOKS)} {noun}"
    article = "The" if draw.random() < 0.08 else "An" if noun[0] in "aeiou" else "A"
    return f"{article} {noun}."


def space_of(slm: SLM, said: Sequence[str], dictionary: Dictionary) -> WordSpace:
    """The word space of a model: what the dictionary's encoder makes of these phrases, of other names, and of single
    tokens, as captions also have words of pieces, letters and digits."""
    common = range(min(_COMMON, len(slm.tokenizer)))
    pieces = [text for token in common if (text := slm.tokenizer.decode([token]).strip())]
    texts = [*said, *_spelt(dictionary.folder, slm.tokenizer), *pieces, *(f" {text}" for text in pieces)]
    ids = slm.tokenizer(texts, add_special_tokens=False)["input_ids"]
    found = dict(zip(dict.fromkeys(text.strip() for text in texts), itertools.count()))
    meanings = dictionary.meanings(list(found))[[found[text.strip()] for text in texts]]
    return taught_space(_table(slm), ids, meanings, len(said))


def _spelt(dictionary: Path, tokenizer: Any, most: int = 8000) -> list[str]:
    """Of the nouns with words of several tokens ``most``, evenly."""
    whole = names(dictionary, tokenizer)
    nouns = dict.fromkeys(noun for noun, _ in _nouns(dictionary))
    spelt = [noun for noun in nouns if not all(word in whole for word in noun.split(" "))]
    return [f"A {noun}." for noun in spelt[:: max(1, -(-len(spelt) // most))]]


def _table(slm: SLM) -> Tensor:
    table: Tensor = slm.model.get_input_embeddings().weight.detach().clone()
    return table


class Lesson:
    """Phrases that ``slm`` is to say, each from its own vector, always drawn in the same order.

    Raises InputError where no phrase is short enough.
    """

    def __init__(self, slm: SLM, space: WordSpace, said: Sequence[str], reading: Reading, seed: int) -> None:
        self._model, self.reading = slm.model, reading
        self._space = space
        self.matrix = torch.nn.Parameter(space.matrix.clone())
        """The R of the reading, which is learned as well."""
        rows = slm.tokenizer(list(said), add_special_tokens=False)["input_ids"]
        ids = [torch.tensor(row) for row in rows if len(row) <= reading.longest]
        if not ids:
            raise InputError(
                f"none of {len(said)} phrases has longest={reading.longest} tokens or less: nothing is read"
            )
        self._vectors = space.vectors(ids)[:, : space.table.shape[1]]
        eos = torch.tensor([slm.tokenizer.eos_token_id])
        self._goals = [torch.cat([row, eos]) for row in ids]
        self._head = torch.tensor([slm.tokenizer(INSTRUCTION, add_special_tokens=False)["input_ids"]])
        self._draw = torch.Generator().manual_seed(derive(seed, "reading"))
        self._order = _orders(len(ids), self._draw)

    @property
    def space(self) -> WordSpace:
        """As it has been learned."""
        return replace(self._space, matrix=self.matrix.detach().clone())

    def loss(self) -> Tensor:
        """Nats per token of the next phrases."""
        rows = [next(self._order) for _ in range(self.reading.batch)]
        soft = F.gelu(self._heard(self._vectors[rows])) @ replace(self._space, matrix=self.matrix).reading.T
        goals = [self._goals[row] for row in rows]
        return _nll(self._model, soft, self.reading.soft_tokens, self._head, goals)

    def _heard(self, vectors: Tensor) -> Tensor:
        """``[v ; -v]`` of vectors (n, 128) with noise, some much and some little, as long as without."""
        deviation = self.reading.noise * torch.rand(len(vectors), 1, generator=self._draw)
        heard = toward(vectors + deviation * torch.randn(vectors.shape, generator=self._draw))
        return torch.cat([heard, -heard], 1)


def _orders(count: int, draw: torch.Generator) -> Iterator[int]:
    while True:
        yield from torch.randperm(count, generator=draw).tolist()


def _nll(model: Any, soft: Tensor, copies: int, head: Tensor, goals: Sequence[Tensor]) -> Tensor:
    """Mean nats per token of the goals after ``copies`` of each row's soft token and the instruction."""
    ids = torch.nn.utils.rnn.pad_sequence(list(goals), batch_first=True)
    words = torch.arange(ids.shape[1]) < torch.tensor([len(goal) for goal in goals])[:, None]
    embed = model.get_input_embeddings()
    start = torch.cat([soft[:, None].expand(-1, copies, -1), embed(head).expand(len(goals), -1, -1)], 1)
    states = model.base_model(inputs_embeds=torch.cat([start, embed(ids[:, :-1])], 1)).last_hidden_state
    asked = states[:, start.shape[1] - 1 :][words]
    return F.cross_entropy(model.get_output_embeddings()(asked).float(), ids[words])
