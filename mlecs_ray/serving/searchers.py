"""Students and teachers that find people, as whoever serves them asks."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.errors import InputError
from mlecs_ray.models.reid.kinds import TEXT
from mlecs_ray.run.artifact import TEACHER
from mlecs_ray.samples import Samples
from mlecs_ray.serving.people import read_words

if TYPE_CHECKING:
    from mlecs_ray.models.reid.asked import Teacher
    from mlecs_ray.serving.host import Resident

_TEACHERS = 2
"""Held at most: each has a language model of its own."""


@dataclass(eq=False)
class Searchers:
    """Final. Teachers are loaded when somebody asks for them first, and once."""

    _teachers: "OrderedDict[str, Teacher]" = field(default_factory=OrderedDict)
    """By the digest of what they learned, which versions of a run have in common."""
    _loading: Lock = field(default_factory=Lock)

    def warm(self, resident: "Resident") -> None:
        """Load what it needs."""
        if resident.card.side == "cloud":
            self._teacher(resident)

    def embed(self, resident: "Resident", samples: Samples) -> Tensor:
        """(d,) of one row: the mean direction of what is seen."""
        bundle, seen = resident.bundle, resident.sensed(samples)
        if resident.card.side == "cloud":
            assert bundle.layout is not None
            assert bundle.layout.teacher is not None
            return self._teacher(resident).vectors(seen, bundle.layout.teacher)[0]
        assert bundle.searcher is not None
        return bundle.searcher.vectors(resident.params, seen)[0]

    def embed_text(self, resident: "Resident", texts: Sequence[str]) -> Tensor:
        """(n, d) of sentences. Raises InputError for a model that reads none, and for one too long."""
        if TEXT not in resident.card.modalities:
            raise InputError("the model reads no sentences about people: send a picture, or ask one that does")
        if resident.card.side == "cloud":
            return F.normalize(self._teacher(resident).embed(TEXT, texts), dim=1)
        assert resident.bundle.searcher is not None
        student = resident.bundle.searcher.student
        return student.embed(resident.params, TEXT, student.lower(TEXT, read_words(texts)))

    def _teacher(self, resident: "Resident") -> "Teacher":
        learned = resident.bundle.facts["files"][f"{TEACHER}/model.safetensors"]
        with self._loading:
            if learned not in self._teachers:
                self._teachers[learned] = resident.bundle.teacher(resident.params)
            self._teachers.move_to_end(learned)
            while len(self._teachers) > _TEACHERS:
                self._teachers.popitem(last=False)
            return self._teachers[learned]
