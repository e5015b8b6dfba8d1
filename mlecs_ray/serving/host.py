"""Models of one or more versions on shared backbones, as whoever serves them asks: answer, classify, embed.

A model is loaded for its version and never changed: who has begun to answer with it ends with it, whatever version
others ask for meanwhile.
"""

from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client, Predictor
from mlecs_ray.run.artifact import Card, captioner_of
from mlecs_ray.run.bundle import Bundle, read_bundle
from mlecs_ray.samples import Samples
from mlecs_ray.serving.batcher import Piece
from mlecs_ray.serving.engine import Engine, TransformersEngine
from mlecs_ray.serving.sampling import Sampling
from mlecs_ray.serving.searchers import Searchers
from mlecs_ray.serving.turns import Turn, conversation
from mlecs_ray.tree import Tree, leaves, tree_bytes, tree_map

if TYPE_CHECKING:
    from mlecs_ray.models.captioner import CaptionTask
    from mlecs_ray.models.lora import Backbone, LoRA

_VERSIONS = 4
"""How many versions' facts are held; their models are whoever's who answers with them."""


@dataclass(frozen=True)
class Ask:
    """What a model is asked: ``samples``, one row of features as backbones give them, or None; ``turns``, the words."""

    samples: Samples | None = None
    turns: tuple[Turn, ...] = ()
    max_tokens: int | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Resident:
    """A model that is in memory: one card of one version."""

    id: str
    bundle: Bundle
    card: Card
    client: Client
    params: Tree

    @cached_property
    def device(self) -> str:
        """Where its parameters are, and its backbone."""
        return str(next(leaf.device for _, leaf in leaves(self.params)))

    @cached_property
    def bytes(self) -> int:
        """What it takes beside its backbone."""
        return tree_bytes(self.params)

    @cached_property
    def predictor(self) -> Predictor:
        """As evaluation has it."""
        return self.bundle.predictor(self.card)

    @cached_property
    def scores(self) -> Callable[[Samples], Tensor]:
        """Samples to (n, classes). Raises InputError where it tells no classes apart."""
        return self.bundle.scores(self.card, self.params)

    @property
    def captioner(self) -> "CaptionTask | None":
        """The task where it answers in words."""
        return captioner_of(self.bundle.task)

    @property
    def kind(self) -> "tuple[str, LoRA, str]":
        """What makes its backbone: the language model, the shape of adapters, the device. Raises InputError where it
        has none."""
        task = _words_of(self)
        return task.structure(self.client).slm, task.lora, self.device

    def sensed(self, samples: Samples) -> Samples:
        """One row through the model's own modalities, on its scale. Raises InputError where it senses none of them."""
        seen = samples.only(self.card.modalities)
        if not seen.inputs:
            raise InputError(
                f"the request has {sorted(samples.modalities)}, {self.id} senses {list(self.card.modalities)}: there "
                "is nothing to answer from"
            )
        scaled = self.bundle.scaled(self.bundle.own_rows(self.card, seen))
        return scaled if self.device == "cpu" else scaled.to(self.device)


@dataclass(frozen=True)
class Prompt:
    """What an engine is given, and how long it is."""

    adapters: Tree
    embeds: Tensor
    """(t, hidden)."""
    sampling: Sampling


@dataclass(frozen=True)
class Verdict:
    """A class, and how sure the model is of each."""

    label: str
    probabilities: Mapping[str, float]


def split_id(model: str) -> tuple[str, str]:
    """``name@version`` as its two parts; raises InputError where it is not."""
    name, at, version = model.rpartition("@")
    if not at or not name or not version:
        raise InputError(f"model {model!r} must be NAME@VERSION here, or it is not clear which weights are meant")
    return name, version


class Unsound(InputError):
    """What a model makes of a request is no number: the request's numbers are too large, or the weights are broken."""


MakeEngine = Callable[["Backbone"], Engine]


@dataclass(eq=False)
class Host:
    """Models from ``store``, where each version has a folder; engines are made with their backbones, once each."""

    store: Path
    make_engine: MakeEngine = TransformersEngine
    context: int = 1024
    """Most tokens of a prompt: longer ones are refused before anything is computed of them."""
    device: str = "cpu"
    """Where models that answer in words are, and their backbones; the small ones that do not stay on the CPU."""
    searchers: Searchers = field(default_factory=Searchers)
    """Who find people."""
    _bundles: "OrderedDict[str, Bundle]" = field(default_factory=OrderedDict)
    _engines: "dict[tuple[str, LoRA, str], Engine]" = field(default_factory=dict)
    """By what makes a backbone; both stay for as long as the process."""
    _reading: Lock = field(default_factory=Lock)
    _making: Lock = field(default_factory=Lock)

    def bundle(self, version: str) -> Bundle:
        """A version's facts, read once. Raises InputError where the store has none of that name."""
        with self._reading:
            if version not in self._bundles:
                self._bundles[version] = read_bundle(self.store / version)
            self._bundles.move_to_end(version)
            while len(self._bundles) > _VERSIONS:
                self._bundles.popitem(last=False)
            return self._bundles[version]

    def load(self, model: str) -> Resident:
        """``name@version``, read from the disk."""
        name, version = split_id(model)
        bundle = self.bundle(version)
        card = bundle.card(name)
        params = bundle.params(card)
        if self.device != "cpu" and captioner_of(bundle.task) is not None:
            params = tree_map(lambda leaf: leaf.to(self.device), params)
        return Resident(model, bundle, card, bundle.client(card), params)

    def ready(self, resident: Resident) -> Engine | None:
        """The engine of the model's backbone where that is in memory. Raises InputError like ``engine``."""
        return self._engines.get(resident.kind)

    def engine(self, resident: Resident) -> Engine:
        """That of the model's backbone, which the first who asks reads from the disk while the others wait: seconds.

        Raises InputError where it does not answer in words.
        """
        found = self.ready(resident)
        if found is not None:
            return found
        kind = resident.kind
        with self._making:
            if kind not in self._engines:
                self._engines[kind] = self.make_engine(self.backbone(resident))
            return self._engines[kind]

    def backbone(self, resident: Resident) -> "Backbone":
        """The frozen model under it, one for all of its kind in this process."""
        from mlecs_ray.models.lora import backbone

        return backbone(*resident.kind)

    @property
    def busy(self) -> int:
        """Answers under way or waiting."""
        return sum(engine.load for engine in list(self._engines.values()))

    def stream(self, resident: Resident, ask: Ask) -> AsyncGenerator[Piece]:
        """An answer in words, piece by piece."""
        prompt = self.prompt(resident, ask)
        return self.engine(resident).stream(prompt.adapters, prompt.embeds, prompt.sampling)

    @torch.no_grad()
    def prompt(self, resident: Resident, ask: Ask) -> Prompt:
        """``[soft tokens ; instruction]`` as in training where something is sensed, else the conversation alone."""
        task = _words_of(resident)
        lm = self.backbone(resident)
        if ask.samples is None:
            ids = self._fitting(conversation(lm, ask.turns))
            return Prompt(
                resident.params["lora"],
                lm.embed(torch.tensor(ids, dtype=torch.int64, device=lm.device)),
                _sampling(ask, None),
            )
        said = next((turn.text.strip() for turn in reversed(ask.turns) if turn.role == "user"), "")
        self._fitting(lm.tokenizer(said, add_special_tokens=False)["input_ids"])
        told = replace(task, instruction=said) if said else task
        embeds = told.prompts(resident.params, resident.sensed(ask.samples), resident.client)[0]
        return Prompt(resident.params["lora"], _finite(embeds), _sampling(ask, task.max_tokens))

    def _fitting(self, ids: list[int]) -> list[int]:
        if len(ids) >= self.context:
            raise InputError(f"a prompt of {len(ids)} tokens leaves no room in a context of {self.context}")
        return ids

    @torch.no_grad()
    def classify(self, resident: Resident, samples: Samples) -> Verdict:
        """The class of one row. Raises InputError where the model tells no classes apart."""
        classes = resident.bundle.shape.classes
        if resident.captioner is not None or not classes:
            raise InputError(f"{resident.id} answers in words, so it has no classes: ask /v1/chat/completions")
        seen = resident.sensed(samples)
        logits = _finite(resident.scores(seen)[0])
        label = classes[int(resident.predictor(seen)[0])]
        return Verdict(label, dict(zip(classes, logits.softmax(0).tolist(), strict=True)))

    @torch.no_grad()
    def embed(self, resident: Resident, samples: Samples) -> Tensor:
        """``fused_repr`` of one row at length 1, (256,); of people the mean direction of what is seen, (d,)."""
        if resident.bundle.searcher is not None:
            return _finite(self.searchers.embed(resident, samples))
        task = _words_of(resident)
        fused = task.fused(resident.params, resident.sensed(samples), resident.client)[0]
        return torch.nn.functional.normalize(_finite(fused), dim=0)

    @torch.no_grad()
    def embed_text(self, resident: Resident, texts: Sequence[str]) -> Tensor:
        """What texts say, where ``fused_repr`` is drawn to: (n, 256) at length 1, by the words of the cloud's model."""
        usual, bundle = resident.bundle.usual_words, resident.bundle
        if bundle.searcher is not None:
            return self.searchers.embed_text(resident, texts)
        whose = resident.client if bundle.cloud is None else bundle.client(bundle.cloud)
        words = _words_of(resident).words(texts, whose)
        return torch.nn.functional.normalize(words if usual is None else words - usual, dim=1)

    def close(self) -> None:
        """Stop the engines."""
        for engine in list(self._engines.values()):
            engine.close()


def _words_of(resident: Resident) -> "CaptionTask":
    task = resident.captioner
    if resident.bundle.searcher is not None:
        raise InputError(f"{resident.id} finds people and has no words: ask /v1/search, or /v1/embeddings")
    if task is None:
        raise InputError(f"{resident.id} is a classifier and has no words: ask /v1/classify")
    return task


def _finite(computed: Tensor) -> Tensor:
    if not bool(computed.isfinite().all()):
        raise Unsound("what is sensed holds numbers so large that nothing finite comes of them: no answer is given")
    return computed


def _sampling(ask: Ask, longest: int | None) -> Sampling:
    """An answer about what is sensed is one line, as evaluation reads it."""
    most = ask.max_tokens or longest or 128
    return Sampling(most, ask.temperature, ask.top_p, ask.seed, ask.stop, line=longest is not None)
