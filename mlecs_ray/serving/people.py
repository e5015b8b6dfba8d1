"""Raw pictures and sentences of people, as the features that a student reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.models.reid.kinds import PICTURES, TEXT
from mlecs_ray.run.bundle import Bundle

if TYPE_CHECKING:
    from mlecs_ray.models.reid.asked import Rows
    from mlecs_ray.models.reid.student import Student

_GREY = (0.299, 0.587, 0.114)
"""ITU-R BT.601, as Pillow's."""


@dataclass(frozen=True)
class Reader:
    """Final. ``__call__`` gives (width,) of one modality, as the loaders' samples become for ``student``, and behind it
    what ``teacher`` reads."""

    student: "Student"
    widths: tuple[tuple[str, int], ...]
    """Of each modality, the numbers that the student reads."""
    teacher: "Rows | None" = None
    """Of the one that answers beside the student; None where there is none."""

    def __call__(self, modality: str, raw: Tensor | str) -> NDArray[np.float32]:
        """Of a picture (3, h, w) in 0..255, or of a sentence."""
        row = self.student.lower(modality, read_words([raw]) if isinstance(raw, str) else _shown(modality, raw))
        flat, width = row.float().flatten(), dict(self.widths)[modality]
        # Sentences end where they end; what stands behind is zeros.
        mine = F.pad(flat, (0, max(width - len(flat), 0)))[:width]
        if self.teacher is not None:
            shown = raw if isinstance(raw, str) else _shown(modality, raw)[0]
            mine = torch.cat([mine, self.teacher.written(modality, shown)])
        return np.asarray(mine.numpy())

    def warm(self) -> None:
        """Load what it needs."""
        for modality in dict(self.widths):
            self(modality, "a person" if modality == TEXT else torch.zeros(3, 32, 32, dtype=torch.uint8))


def _shown(modality: str, picture: Tensor) -> Tensor:
    if PICTURES[modality] == 3:
        return picture[None]
    grey: Tensor = torch.tensordot(torch.tensor(_GREY), picture.float(), 1)
    return grey.round().to(torch.uint8)[None, None]


def people_of(bundle: Bundle) -> Reader | None:
    """How a version's people are read; None where its models find nobody."""
    if bundle.searcher is None or bundle.layout is None:
        return None
    return Reader(bundle.searcher.student, bundle.shape.widths, bundle.layout.teacher)


def read_words(texts: Sequence[str]) -> Tensor:
    """Sentences as a student's frozen part reads them."""
    # Its tokenizer is not waited for by those who serve anything else.
    from mlecs_ray.data.reid.sentences import token_ids

    return token_ids(texts)
