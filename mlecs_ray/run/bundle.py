"""An artifact as models that answer, without the data that they learned from: the same predictors as evaluation's."""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mlecs_ray.data.pool import Shape, scaled
from mlecs_ray.errors import InputError
from mlecs_ray.method import Client, Method, Predictor, on_devices
from mlecs_ray.run import own
from mlecs_ray.run.artifact import FACTS, FORMAT, SCALES, WORDS, Card, captioner_of, digests, model_digest
from mlecs_ray.run.layout import Layout
from mlecs_ray.run.records import read_json
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.compose import make_method
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.learn import make_task
from mlecs_ray.scenario.names import SYSTEMS
from mlecs_ray.scenario.overrides import validate
from mlecs_ray.sim.devices import find_device
from mlecs_ray.task import Task
from mlecs_ray.tree import Tree
from mlecs_ray.wire import load_tree

if TYPE_CHECKING:
    from mlecs_ray.models.reid.asked import Teacher
    from mlecs_ray.models.reid.task import ReIDTask

STORE = "serving"
"""Below a run: its versions that are served, with their thresholds."""
DIGITS = 8
"""Of the weights' digest in the name of a version."""
_TRIES = 5
_PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class Bundle:
    """One version of everything that a run has learned. ``folder`` holds what ``artifact.write`` wrote."""

    folder: Path
    facts: Mapping[str, Any]

    @property
    def version(self) -> str:
        """Merges and the beginning of the state's digest, e.g. ``20-3fa9c1d2``: other weights have another name."""
        return version_of(self.facts)

    @cached_property
    def scenario(self) -> Scenario:
        """What was run."""
        return validate(self.facts["scenario"])

    @cached_property
    def shape(self) -> Shape:
        """Of the data that it learned from."""
        widths = tuple((modality, int(width)) for modality, width in self.facts["widths"].items())
        # Artifacts of before pictures had a height and a width tell no forms: all their samples are vectors.
        told = self.facts.get("forms", {})
        forms = tuple(tuple(told.get(modality, (width,))) for modality, width in widths)
        return Shape(self.facts["data"], widths, tuple(self.facts["classes"]), self.facts["texts"], forms)

    @cached_property
    def cards(self) -> dict[str, Card]:
        """The models by name."""
        found = (Card(**{**card, "modalities": tuple(card["modalities"])}) for card in self.facts["cards"])
        return {card.name: card for card in found}

    @property
    def cloud(self) -> Card | None:
        """The cloud's model; None in a run without one."""
        return next((card for card in self.cards.values() if card.side == "cloud"), None)

    @cached_property
    def task(self) -> Task:
        """What the models are models of. Raises InputError where a language model here, or a file of the user's own,
        is not the run's."""
        self.check_own()
        task = make_task(self.scenario, self.shape)
        captioner = captioner_of(task)
        if captioner is None:
            return task
        for one in captioner.structures:
            _check_model(one.name, self.facts["models"].get(one.name, ""), model_digest(one.slm))
        return replace(captioner, instruction=self.facts["instruction"] or captioner.instruction)

    @property
    def searcher(self) -> "ReIDTask | None":
        """The task where it finds people; of any other nothing is made."""
        if self.scenario.task.kind != "reid":
            return None
        from mlecs_ray.models.reid.task import ReIDTask

        assert isinstance(self.task, ReIDTask)
        return self.task

    @cached_property
    def layout(self) -> Layout | None:
        """What a request becomes for models that find people; None where they do not."""
        if self.scenario.task.kind != "reid":
            return None
        from mlecs_ray.scenario.reid import teacher_rows

        forms = self.facts["teacher"]["forms"] if "teacher" in self.facts else None
        return Layout(dict(self.shape.widths), None if forms is None else teacher_rows(self.scenario, forms))

    def teacher(self, params: Tree) -> "Teacher":
        """The cloud's, of what ``params`` gave of its card."""
        from mlecs_ray.scenario.reid import served_teacher

        self.check_own()
        return served_teacher(self.scenario, params, self.facts["teacher"]["model"])

    def answer_flops(self, card: Card, modality: str) -> float:
        """What it takes to find one sighting's vector."""
        if card.side == "cloud":
            return float(self.facts["teacher"]["flops"].get(modality, 0))
        assert self.searcher is not None
        return float(self.searcher.answer_flops(modality))

    @property
    def row_widths(self) -> dict[str, int]:
        """By modality, how many numbers a request becomes."""
        return dict(self.shape.widths) if self.layout is None else self.layout.widths

    def own_rows(self, card: Card, samples: Samples) -> Samples:
        """Of these the part that the model reads. Raises InputError where they hold nothing for it."""
        return samples if self.layout is None else self.layout.part(card, samples)

    @cached_property
    def scales(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Modality -> mean and deviation of its features."""
        return {m: (one["mean"], one["deviation"]) for m, one in load_tree(self.folder / SCALES).items()}

    @cached_property
    def usual_words(self) -> Tensor | None:
        """What captions say on average, in the space where what is sensed meets them; None where they do not meet."""
        file = self.folder / WORDS
        return load_tree(file)["usual"] if file.is_file() else None

    def card(self, name: str) -> Card:
        """Raises InputError for a model that is not in here."""
        if name not in self.cards:
            near = ", ".join(list(self.cards)[:6])
            raise InputError(f"model {name!r} is none of this run's, so nobody can answer as it; there are {near}")
        return self.cards[name]

    def client(self, card: Card) -> Client:
        """Whom the task's functions take for the one that answers."""
        budget = find_device(card.device).budget
        return Client(
            -1 if card.client is None else card.client,
            frozenset(card.modalities),
            budget,
            card.device,
            card.samples,
            card.structure,
            "cloud" if card.side == "cloud" else "edge",
        )

    def params(self, card: Card) -> Tree:
        """The parameters of one model, read anew."""
        folder = self.folder / card.folder
        if (folder / "model.safetensors").is_file():
            return load_tree(folder / "model.safetensors")
        from mlecs_ray.models.adapter import import_adapter

        captioner = captioner_of(self.task)
        if captioner is None:
            raise InputError(f"{folder} holds no model.safetensors, so there is no such model to serve")
        return import_adapter(captioner, self.client(card), folder)

    def scaled(self, samples: Samples) -> Samples:
        """Features as backbones give them, brought to the scale that the models learned from."""
        for modality, (mean, deviation) in self.scales.items():
            if modality in samples.inputs:
                samples = scaled(samples, modality, mean, deviation)
        return samples

    def predictor(self, card: Card) -> Predictor:
        """As evaluation had it; its samples are on the models' scale."""
        client, params = self.client(card), self.params(card)
        if self.scenario.method.name in SYSTEMS:
            return self.task.predictor(params, client)
        # What clients keep is part of ``params``, if answers need it.
        return self._method().predictor(params, {}, client)

    def scores(self, card: Card, params: Tree) -> Callable[[Samples], Tensor]:
        """Samples, on the models' scale, to (n, classes) by the model's ``params``: of which the predictor gives the
        largest. Raises InputError where the model tells no classes apart."""
        client, task = self.client(card), self.task
        if self.scenario.method.name not in SYSTEMS and on_devices(method := self._method()):
            return method.scores(params, client)
        if self.searcher is not None:
            raise InputError(f"{card.name} finds people and tells no classes apart: ask /v1/search, or /v1/embeddings")
        if captioner_of(task) is not None or not hasattr(task, "logits"):
            raise InputError(f"{card.name} answers in words, so it has no classes")
        return partial(task.logits, params)

    def _method(self) -> Method:
        """Without the data that the run had: no public samples take part in answers."""
        self.check_own()
        return make_method(self.scenario, self.task, _unheard(self.shape))

    def check_own(self) -> None:
        """Raise InputError where a file of the user's own is another than the run's."""
        run = next((place for place in self.folder.parents[:2] if (place / own.FOLDER).is_dir()), self.folder.parent)
        # Artifacts of before they were told have none.
        told = self.facts.get("own", {})
        own.check_same(told, run, "answers would not be those that were measured")


def _unheard(shape: Shape) -> Samples:
    """In place of public samples, where a method asks that there be some."""
    blank = {name: torch.zeros(2, *form) for name, form in zip(shape.modalities, shape.forms, strict=True)}
    # Two of whatever they are told apart by.
    labels = torch.arange(2).clamp(max=len(shape.classes) - 1) if shape.classes else None
    return Samples(blank, labels=labels)


def version_of(facts: Mapping[str, Any]) -> str:
    """The name of the version that these facts are about."""
    return f"{facts['version']}-{facts['weights'][:DIGITS]}"


def read_bundle(folder: Path) -> Bundle:
    """What lies in an artifact's folder. Raises InputError where there is none, or its files are not those written."""
    if not (folder / FACTS).is_file():
        raise InputError(
            f"{folder} is no artifact: a run leaves one at its checkpoints and when it has ended, so there is nothing "
            "to serve yet"
        )
    facts = read_json(folder / FACTS, "artifact", FORMAT)
    wrong = sorted(_differing(facts["files"], digests(folder)))
    if wrong:
        raise InputError(
            f"{folder}: {wrong[0]} is not the file that the run wrote ({len(wrong)} differ), so answers would not be "
            "those that were measured: copy the artifact again, or remove this folder where it is a copy of one"
        )
    return Bundle(folder, facts)


def _differing(told: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    return (name for name in told.keys() | found.keys() if told.get(name) != found.get(name))


def adopt(artifact: Path, store: Path) -> Bundle:
    """A copy of the artifact that stays as it is while its run goes on: ``store/<version>``, made once.

    Raises InputError where no whole artifact can be read.
    """
    for left in reversed(range(_TRIES)):
        try:
            return _copied(artifact, store)
        except (OSError, InputError) as error:
            # The run may have put a newer one in its place meanwhile: then the next try finds that one whole.
            if left == 0 or not artifact.parent.is_dir():
                raise InputError(f"{artifact} cannot be read whole, so nothing of it is served: {error}") from error
            time.sleep(_PAUSE_SECONDS)
    raise AssertionError("unreachable: the last try returns or raises")


def _copied(artifact: Path, store: Path) -> Bundle:
    target = store / version_of(read_bundle(artifact).facts)
    if target.is_dir():
        _renew(target)
        return read_bundle(target)
    part = store / f".{target.name}-{os.getpid()}.part"
    try:
        shutil.copytree(artifact, part)
        if read_bundle(part).version != target.name:
            raise InputError(f"{artifact} was replaced while it was read")
        _renew(part)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return read_bundle(target)


def _renew(folder: Path) -> None:
    """Its time is that of the last take-over, by which whoever tidies the store tells old from new."""
    os.utime(folder)


def _check_model(structure: str, told: str, found: str) -> None:
    if told and told != found:
        raise InputError(
            f"structure {structure!r}: the run learned adapters for a language model of SHA-256 {told[:12]}, the one "
            f"here is {found[:12] or 'not there'}, so its answers would be others: bring the run's own models along "
            "(its cache), or run it again here"
        )
