"""The values that data sets are made of, and the split by identity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from mlecs_ray import seeds
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

_STILL = 1e-3
"""Added to deviations: a feature that never moves must not be blown up."""


@dataclass(frozen=True)
class Pool:
    """All samples of a data set before they are split; samples of one identity are never separated."""

    name: str
    samples: Samples
    classes: tuple[str, ...]
    test: frozenset[str] = frozenset()
    """The identities that its makers keep for the test; none: a share is drawn."""


@dataclass(frozen=True)
class Shape:
    """What a task must know of its data before it has seen any."""

    name: str
    widths: tuple[tuple[str, int], ...]
    """Each modality with the number of its values."""
    classes: tuple[str, ...]
    texts: bool
    """Whether samples say something in words."""
    forms: tuple[tuple[int, ...], ...] = ()
    """For each modality the shape of one sample's values."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(modality for modality, _ in self.widths)


@dataclass(frozen=True)
class Dataset:
    """What a run learns from: private samples for the clients, public ones for the cloud, and the test."""

    name: str
    train: Samples
    public: Samples
    test: Samples
    modalities: tuple[str, ...]
    classes: tuple[str, ...]
    owners: tuple[str, ...] = ()
    """The client that owns each sample of ``train``, where the data says so."""
    scales: Mapping[str, tuple[Tensor, Tensor]] = field(default_factory=dict)
    """Modality -> the mean and deviation that its features were brought to 0 and 1 by, where they were."""

    @property
    def shape(self) -> "Shape":
        """What a task is made for."""
        widths = tuple((modality, self.train.inputs[modality][0].numel()) for modality in self.modalities)
        forms = tuple(tuple(self.train.inputs[modality].shape[1:]) for modality in self.modalities)
        return Shape(self.name, widths, self.classes, bool(self.train.texts), forms)


@dataclass(frozen=True)
class Split:
    """Shares of the identities that become public and test; the rest is private.

    Where the makers of a data set have set identities apart for its test, these are the test, and ``public`` is a
    share of the others.
    """

    public: float = 0.2
    test: float = 0.15
    fold: int | None = None
    """Which of the ``1 / test`` parts of the identities is the test, counted from 0; None: the first."""

    def __post_init__(self) -> None:
        if not (0 <= self.public < 1 and 0 < self.test < 1 and self.public + self.test < 1):
            raise InputError(
                f"public={self.public} and test={self.test} must be shares that leave more than 0 for the clients, "
                "or there is nothing to learn from or to measure by"
            )
        if self.fold is not None and not 0 <= self.fold < round(1 / self.test):
            raise InputError(
                f"fold={self.fold} must lie in 0..{round(1 / self.test) - 1}: with test={self.test} there are "
                f"{round(1 / self.test)} folds, and beyond them nothing to test on"
            )


def divide(pool: Pool, split: Split, seed: int) -> Dataset:
    """Train, public and test by identity; an identity keeps its place in the order when others come or go."""
    order, test = _ordered(pool, split, seed)
    public = test + round(split.public * (len(order) - (test if pool.test else 0)))
    return Dataset(
        name=pool.name,
        train=_those(pool.samples, order[public:], "train"),
        public=_those(pool.samples, order[test:public], "public") if split.public else pool.samples.take([]),
        test=_those(pool.samples, order[:test], "test"),
        modalities=tuple(sorted(pool.samples.modalities)),
        classes=pool.classes,
    )


def _ordered(pool: Pool, split: Split, seed: int) -> tuple[list[str], int]:
    """All identities in the order of the draw, those of the test first, and how many these are."""
    identities = set(pool.samples.ids)
    order = sorted(identities, key=lambda identity: (seeds.uniform(seed, "split", identity), identity))
    if pool.test:
        if split.fold is not None:
            raise InputError(
                f"fold={split.fold} must be null, as {pool.name} has a test of its own: there are no folds"
            )
        return sorted(order, key=lambda identity: identity not in pool.test), len(identities & pool.test)
    if split.fold:
        # Turned, so that the fold stands first and the others keep their places.
        start = round(split.fold * split.test * len(order))
        order = order[start:] + order[:start]
    if split.fold is None:
        return order, round(split.test * len(order))
    # Folds neither overlap nor leave anyone out.
    return order, round((split.fold + 1) * split.test * len(order)) - round(split.fold * split.test * len(order))


def set_apart(name: str, ids: Sequence[str], test: Sequence[bool]) -> frozenset[str]:
    """The identities of the samples that are ``test``. Raises InputError where one is in the training part too."""
    kept = {identity for identity, held in zip(ids, test, strict=True) if held}
    both = sorted(kept.intersection(identity for identity, held in zip(ids, test, strict=True) if not held))
    if both:
        raise InputError(
            f"{name} has {both[0]} both in its training part and in its test, so the test would tell nothing new: take "
            "the data as published"
        )
    return frozenset(kept)


def standardised(data: Dataset) -> Dataset:
    """Every feature brought to mean 0 and deviation 1, by what the private and public samples that have it show.

    Backbones give features with a large common part (a MobileNet's are never negative), which hides what tells
    samples apart. The test samples are not looked at. A row that is absent stays zeros.
    """
    train, public, test = data.train, data.public, data.test
    scales = {}
    for modality in data.modalities:
        seen = torch.cat([part.inputs[modality][part.present[modality]] for part in (train, public)])
        if len(seen) > 1:
            scales[modality] = mean, deviation = seen.mean(0), seen.std(0) + _STILL
            train, public, test = (scaled(part, modality, mean, deviation) for part in (train, public, test))
    return replace(data, train=train, public=public, test=test, scales=scales)


def answering_classes(data: Dataset) -> Dataset:
    """The same samples, whose text is the name of their class: classification as generated text."""
    if not data.classes:
        raise InputError(f"task.answer=class needs classes, {data.name} has none, so there is no name to say")
    train, public, test = (_named(part, data.classes) for part in (data.train, data.public, data.test))
    return replace(data, train=train, public=public, test=test)


def _named(samples: Samples, classes: Sequence[str]) -> Samples:
    if samples.labels is None:
        raise InputError("task.answer=class needs samples with labels, so there is no name to say")
    return replace(samples, texts=tuple(f"{classes[label]}." for label in samples.labels.tolist()))


def scaled(part: Samples, modality: str, mean: Tensor, deviation: Tensor) -> Samples:
    """The same samples, one modality brought from this mean and deviation to 0 and 1; absent rows stay zeros."""
    there = part.present[modality].view(-1, *[1] * mean.dim())
    column = ((part.inputs[modality] - mean) / deviation).masked_fill(~there, 0.0)
    return replace(part, inputs={**part.inputs, modality: column})


def _those(samples: Samples, identities: Sequence[str], part: str) -> Samples:
    # In the order of the draw, so that the first rows of a split are a fair sample of it.
    wanted = {identity: place for place, identity in enumerate(identities)}
    if not wanted:
        raise InputError(
            f"{len(set(samples.ids))} identities leave none for the {part} split: give it a larger share or more data"
        )
    held = [i for i, identity in enumerate(samples.ids) if identity in wanted]
    return samples.take(sorted(held, key=lambda i: wanted[samples.ids[i]]))
