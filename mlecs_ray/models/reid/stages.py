"""How a student is trained: alone, then towards what its teacher makes of the same sightings (arXiv 2602.12936)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
import torch
from torch import Tensor, nn

from mlecs_ray.errors import InputError
from mlecs_ray.models.reid.course import Course, Group, take
from mlecs_ray.models.reid.distillation import Distillation, distilled
from mlecs_ray.models.reid.kinds import TEXT
from mlecs_ray.models.reid.losses import SCALE, Joined, Seen, matching, triplet, whole
from mlecs_ray.models.reid.neck import Neck, seeded_neck
from mlecs_ray.models.reid.sampler import Places, Sampler
from mlecs_ray.models.reid.student import Student
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive
from mlecs_ray.tree import Tree, from_leaves, leaves

_ERASED = 0.3
_PAPERS = Distillation()


@dataclass(frozen=True)
class Identity:
    """``id L_ID + triplet L_triplet + sdm SDM``, what identity teaches. [paper]"""

    id: float = 0.25
    """Of naming identities."""
    triplet: float = 1.0
    """Of the batch-hard triplet loss."""
    sdm: float = 1.0
    """Of similarity distribution matching."""
    scale: float = SCALE
    """Of the cosines in SDM. [paper: teacher 20, student 14.3]"""

    def __post_init__(self) -> None:
        weights = (self.id, self.triplet, self.sdm)
        if min(weights) < 0 or not max(weights) > 0:
            raise InputError(
                f"weights id={self.id}, triplet={self.triplet} and sdm={self.sdm} must be 0 or more and not all 0, or "
                "nobody is learned"
            )

    def loss(self, seen: Mapping[str, Seen], neck: Neck, joined: Joined) -> Tensor:
        """A scalar; labels must be counted from 0 as ``neck`` names them; terms of weight 0 are not computed."""
        every = whole(seen)
        found = every.features.sum() * 0
        if self.id:
            found = found + self.id * neck.loss(every.features, every.labels)
        if self.triplet:
            found = found + self.triplet * triplet(every.features, every.labels)
        return found + self.sdm * matching(seen, self.scale, joined) if self.sdm else found


class Sightings(NamedTuple):
    """All that there is of each modality."""

    inputs: Mapping[str, Any]
    """(n, ...), as the model reads them; rows are chosen by a tensor of positions."""
    labels: Mapping[str, Places]
    """(n,) identities, counted from 0."""
    rows: Mapping[str, Places]
    """(n,) which of the samples each is of."""

    @property
    def identities(self) -> int:
        """How many there are."""
        return 1 + max(int(labels.max()) for labels in self.labels.values())


def sightings(samples: Samples, read: Callable[[str, Places], Any] | None = None) -> Sightings:
    """Of each modality that is there; identities are counted anew, as not every one is among ``samples``. ``read``
    makes the inputs of a modality's rows; None: they are taken as they are."""
    assert samples.labels is not None
    _, counted = np.unique(samples.labels.numpy(), return_inverse=True)
    rows = {m: mask.numpy().nonzero()[0] for m, mask in samples.present.items() if mask.any()}
    read = read or (lambda m, places: samples.inputs[m][torch.from_numpy(places)])
    return Sightings(
        {m: read(m, places) for m, places in rows.items()}, {m: counted[places] for m, places in rows.items()}, rows
    )


@dataclass(frozen=True)
class Batches:
    """What a step sees."""

    identities: int = 16
    each: int = 2
    """Sightings of an identity in each modality, at most."""

    def sampler(self, labels: Mapping[str, Places], seed: int) -> Sampler:
        """Of sightings with these identities by modality; of fewer than a batch wants it has all."""
        every = np.unique(np.concatenate(list(labels.values())))
        return Sampler(labels, min(self.identities, len(every)), self.each, seed)


@final
class _Pupil(nn.Module):
    """A student's parameters as a module, with the neck that only its training needs."""

    def __init__(self, params: Tree, neck: Neck) -> None:
        super().__init__()
        self._paths = [path for path, _ in leaves(params)]
        self.values = nn.ParameterList([nn.Parameter(leaf.clone()) for _, leaf in leaves(params)])
        self.neck = neck

    @property
    def tree(self) -> Tree:
        """Its parameters, that learn."""
        return from_leaves(zip(self._paths, self.values, strict=True))


@dataclass(frozen=True, eq=False)
class Lesson:
    """Final. ``student`` learns from ``seen``, and from ``teacher`` where there is one: (n, d) by modality of the same
    sightings."""

    student: Student
    seen: Sightings
    course: Course
    batches: Batches = Batches()
    identity: Identity = Identity()
    teacher: Mapping[str, Tensor] | None = None
    rules: Distillation = _PAPERS

    def learn(self, params: Tree, seed: int, folder: Path | None = None) -> tuple[Tree, list[float]]:
        """Stage 1, or 2 where there is a teacher: the parameters then, and the loss of every step. ``folder``: see
        ``course.take``."""
        pupil = _Pupil(params, seeded_neck(self.student.width, self.seen.identities, seed))
        sampler = self.batches.sampler(self.seen.labels, derive(seed, "batches"))
        groups = [Group(list(pupil.values)), Group([p for p in pupil.neck.parameters() if p.requires_grad], 3.0)]
        losses = take(self.course, pupil, groups, lambda step: self._loss(pupil, sampler.batch(step)), seed, folder)
        return from_leaves((path, leaf.detach()) for path, leaf in leaves(pupil.tree)), losses

    def _loss(self, pupil: _Pupil, batch: Mapping[str, Places]) -> Tensor:
        tree = pupil.tree
        seen = {m: self._embedded(tree, m, places) for m, places in batch.items()}
        task = self.identity.loss(seen, pupil.neck, "sum")
        if self.teacher is None:
            return task
        # In the order of ``whole``.
        taught = torch.cat([self.teacher[m][torch.from_numpy(batch[m])] for m in sorted(batch)])
        return self.rules.task * task + distilled(whole(seen).features, taught, self.rules)

    def _embedded(self, tree: Tree, modality: str, places: Places) -> Seen:
        inputs = self.seen.inputs[modality][torch.from_numpy(places)]
        inputs = inputs if modality == TEXT else varied(inputs)
        return Seen(self.student.embed(tree, modality, inputs), torch.from_numpy(self.seen.labels[modality][places]))

    def with_teacher(self, teacher: Mapping[str, Tensor], rules: Distillation) -> "Lesson":
        """The second stage."""
        return replace(self, teacher=teacher, rules=rules)


def varied(maps: Tensor) -> Tensor:
    """(n, c, h, w) of which half are mirrored and a third have a patch erased, up to half as high and wide; drawn from
    torch's global generator. [paper: of pictures; ours: of what the frozen part makes of them]"""
    n, _, height, width = maps.shape
    mirrored = torch.rand(n) < 0.5
    maps = torch.where(mirrored[:, None, None, None], maps.flip(3), maps)
    erased = (torch.rand(n) < _ERASED)[:, None, None] & _span(n, height)[:, :, None] & _span(n, width)[:, None]
    return maps.masked_fill(erased[:, None], 0.0)


def _span(n: int, size: int) -> Tensor:
    """(n, size) bool: a run of 1 to half of the places, anywhere."""
    length = 1 + (torch.rand(n) * (size // 2)).long().clamp(max=max(size // 2 - 1, 0))
    start = (torch.rand(n) * (size - length + 1)).long()
    places = torch.arange(size)
    return (places >= start[:, None]) & (places < (start + length)[:, None])
