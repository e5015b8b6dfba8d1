"""A teacher as it is asked: from pictures and sentences, or from the rows of numbers that a request becomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.errors import InputError
from mlecs_ray.models.mobilenet import MobileNetV2
from mlecs_ray.models.reid.kinds import TEXT
from mlecs_ray.models.reid.sight import resized
from mlecs_ray.models.reid.student import CHANNELS, Student
from mlecs_ray.samples import Samples

_AT_ONCE = 32
LETTERS = 400
"""Bytes of a sentence, in UTF-8, that a row holds."""


class Teacher:
    """A trained ``Embedder`` and, where it has borrowed eyes, whose."""

    def __init__(self, embedder: Any, eye: Student | None) -> None:
        self._embedder, self._eye = embedder, eye

    @property
    def parameters(self) -> int:
        """All that it has, its eyes too."""
        own = int(sum(p.numel() for p in self._embedder.parameters()))
        return own + (sum(p.numel() for p in MobileNetV2().features.parameters()) if self._eye else 0)

    @torch.no_grad()
    def embed(self, modality: str, seen: Tensor | Sequence[str]) -> Tensor:
        """(n, d) of pictures (n, c, h, w) in 0..255, or of sentences. Raises InputError for one that is too long."""
        if isinstance(seen, Tensor):
            return self._answered(modality, seen if self._eye is None else self._eye.lower(modality, seen))
        for said in seen:
            if len(said.encode()) > LETTERS:
                raise _too_long(len(said.encode()))
        parts = [seen[start : start + _AT_ONCE] for start in range(0, len(seen), _AT_ONCE)]
        return torch.cat([self._answered(modality, part) for part in parts])

    @torch.no_grad()
    def vectors(self, samples: Samples, rows: "Rows") -> Tensor:
        """(n, d) of unit length, of what ``rows`` wrote: each by all that it has, the mean direction of its
        modalities."""
        found = torch.zeros(len(samples), self._embedder.width)
        for modality, column in samples.inputs.items():
            there = samples.present[modality].nonzero()[:, 0]
            if len(there):
                answered = self._answered(modality, rows.read(modality, column[there]))
                found[there] += F.normalize(answered, dim=1)
        return F.normalize(found, dim=1)

    def _answered(self, modality: str, seen: Tensor | Sequence[str]) -> Tensor:
        found: Tensor = self._embedder({modality: self._embedder.prepared(modality, seen)})[modality]
        return found


@dataclass(frozen=True)
class Rows:
    """What a request holds for a teacher: of a picture what the frozen part of its eyes makes of it, or the pixels
    themselves; of a sentence its letters."""

    eye: Student | None
    forms: tuple[tuple[str, tuple[int, ...]], ...]
    """By modality, (c, h, w) of what it reads; of sentences (``LETTERS``,)."""

    @property
    def widths(self) -> dict[str, int]:
        """Numbers of a row."""
        return {modality: prod(form) for modality, form in self.forms}

    def written(self, modality: str, raw: Tensor | str) -> Tensor:
        """(width,) of a picture (c, h, w) in 0..255, or of a sentence; one that is too long is refused by ``read``, as
        others than the teacher read it too."""
        if isinstance(raw, str):
            letters = raw.encode()
            if len(letters) > LETTERS:
                return torch.full((LETTERS,), -float(len(letters)))
            return F.pad(torch.tensor(list(letters), dtype=torch.float32), (0, LETTERS - len(letters)))
        if self.eye is not None:
            return self.eye.lower(modality, raw[None]).float().flatten()
        height, width = dict(self.forms)[modality][1:]
        return resized(raw[None].float(), (height, width)).round().flatten()

    def read(self, modality: str, rows: Tensor) -> Tensor | list[str]:
        """(n, width) as ``Embedder.prepared`` takes them. Raises InputError for a sentence that was too long."""
        if modality == TEXT:
            if float(rows.min()) < 0:
                raise _too_long(int(-rows.min()))
            return [bytes(int(x) for x in row if x).decode(errors="replace") for row in rows.tolist()]
        pictures = rows.view(len(rows), *dict(self.forms)[modality])
        return pictures if self.eye is not None else pictures.to(torch.uint8)


def _too_long(letters: int) -> InputError:
    return InputError(f"a sentence of {letters} bytes must be {LETTERS} or fewer, or a teacher would read a part of it")


def forms_of(samples: Samples, eye: Student | None) -> dict[str, tuple[int, ...]]:
    """Of samples as a teacher reads them, by modality the ``Rows.forms`` of one."""
    form = None if eye is None else (CHANNELS, eye.grid, eye.grid)
    return {m: (LETTERS,) if m == TEXT else form or tuple(x.shape[1:]) for m, x in samples.inputs.items()}


def rows_of(eye: Student | None, forms: Mapping[str, Sequence[int]]) -> Rows:
    """How requests are written for a teacher of these ``forms``."""
    return Rows(eye, tuple(sorted((modality, tuple(form)) for modality, form in forms.items())))
