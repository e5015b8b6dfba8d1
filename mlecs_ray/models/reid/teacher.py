"""How the cloud's teacher learns to embed everybody, and what it then makes of them (arXiv 2602.12936)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, final

import torch
from torch import Tensor, nn

from mlecs_ray.models.reid.course import Course, Group, take
from mlecs_ray.models.reid.eyed import EyedLM
from mlecs_ray.models.reid.kinds import TEXT
from mlecs_ray.models.reid.losses import SCALE, Seen, contrast
from mlecs_ray.models.reid.neck import seeded_neck
from mlecs_ray.models.reid.sampler import Places
from mlecs_ray.models.reid.sight import GRID
from mlecs_ray.models.reid.stages import Batches, Identity, Sightings, sightings
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive

_AT_ONCE = 64
_WORDED = 64
_DROPPED = 0.1
PACE = 2.0
"""A connector begins with nothing, so it learns at so many times the adapters' rate; and so does the neck."""


class Embedder(Protocol):
    """A multimodal language model that embeds."""

    @property
    def width(self) -> int:
        """d."""

    def prepared(self, modality: str, seen: Tensor | Sequence[str]) -> Any:
        """What it reads, made once: of pictures (n, c, h, w) in 0..255, or of sentences. Rows are chosen by a tensor of
        positions."""

    def __call__(self, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
        """(n, d) by modality."""

    def merge(self) -> None:
        """Make what it has learned part of its weights: it learns no more."""


def prepared(teacher: Embedder, samples: Samples) -> Sightings:
    """Of each modality that is there, as the embedder reads it."""

    def read(modality: str, places: Places) -> Any:
        if modality == TEXT:
            return teacher.prepared(modality, [samples.texts[i] for i in places.tolist()])
        return teacher.prepared(modality, samples.inputs[modality][torch.from_numpy(places)])

    return sightings(samples, read)


@dataclass(frozen=True)
class Tuition:
    """How it learns: ``0.25 L_ID + L_triplet + mean over pairs of modalities of SDM``. [paper]"""

    course: Course
    batches: Batches
    identity: Identity = Identity(scale=20.0)  # noqa: RUF009  # a frozen value
    words: Course = Course(0, 1.0)  # noqa: RUF009  # a frozen value
    """How a connector learns first: pictures become what is said of the same identities, word for word. [ours]"""


@final
class _Class(nn.Module):
    def __init__(self, teacher: nn.Module, neck: nn.Module) -> None:
        super().__init__()
        self.teacher, self.neck = teacher, neck


def teach(teacher: Any, there: Sightings, tuition: Tuition, seed: int, folder: Path | None = None) -> list[float]:
    """Train the teacher's adapters, and its connector where it has one, in place; the loss of every step. ``folder``:
    see ``course.take``."""
    neck = seeded_neck(teacher.width, there.identities, seed)
    sampler = tuition.batches.sampler(there.labels, derive(seed, "batches"))
    adapters = [p for name, p in teacher.named_parameters() if p.requires_grad and name.startswith("lm.")]
    others = [p for name, p in teacher.named_parameters() if p.requires_grad and not name.startswith("lm.")]
    others += [p for p in neck.parameters() if p.requires_grad]

    def loss(step: int) -> Tensor:
        batch = {m: torch.from_numpy(places) for m, places in sampler.batch(step).items()}
        features = teacher({m: _varied(there.inputs[m][places]) for m, places in batch.items()})
        seen = {m: Seen(features[m], torch.from_numpy(there.labels[m])[places]) for m, places in batch.items()}
        return tuition.identity.loss(seen, neck, "mean")

    if tuition.words.steps and TEXT in there.inputs and isinstance(teacher, EyedLM):
        _align(teacher, there, tuition.words, derive(seed, "words"))
    teacher.train()
    losses = take(tuition.course, _Class(teacher, neck), [Group(adapters), Group(others, PACE)], loss, seed, folder)
    teacher.eval().merge()
    if isinstance(teacher, EyedLM):
        teacher.settle(there.inputs)
    return losses


def _align(teacher: EyedLM, there: Sightings, course: Course, seed: int) -> None:
    """Teach the connector the words for what it sees; seconds, as the language model does not run."""
    sampler = Batches(_WORDED, 1).sampler(there.labels, derive(seed, "batches"))
    connector = nn.ModuleList([teacher.connector, teacher.loudness])

    def loss(step: int) -> Tensor:
        batch = {m: torch.from_numpy(places) for m, places in sampler.batch(step).items()}
        seen = {
            m: Seen(teacher.words_of(_varied(there.inputs[m][places])), torch.from_numpy(there.labels[m])[places])
            for m, places in batch.items()
        }
        pairs = [contrast(seen[m], seen[TEXT], SCALE) for m in seen if m != TEXT and TEXT in seen]
        return torch.stack(pairs).mean() if pairs else teacher.loudness.weight.sum() * 0

    take(course, connector, [Group(list(connector.parameters()))], loss, seed)


def _varied(inputs: Any) -> Any:
    """Glimpses (n, tokens, 1280) of which half are mirrored and a tenth of the tokens dropped. [ours]"""
    if not (isinstance(inputs, Tensor) and inputs.is_floating_point()):
        return inputs
    n, tokens, _ = inputs.shape
    mirrored = inputs.view(n, GRID, GRID, -1).flip(2).view_as(inputs)
    inputs = torch.where((torch.rand(n) < 0.5)[:, None, None], mirrored, inputs)
    return inputs.masked_fill((torch.rand(n, tokens) < _DROPPED)[..., None], 0.0)


@torch.no_grad()
def embedded(teacher: Embedder, there: Sightings, samples: int) -> dict[str, Tensor]:
    """What it makes of all: by modality (samples, d), zeros where a sample lacks it."""
    found = {}
    for modality, places in there.rows.items():
        inputs = there.inputs[modality]
        parts = [
            teacher({modality: inputs[torch.arange(start, min(start + _AT_ONCE, len(places)))]})[modality]
            for start in range(0, len(places), _AT_ONCE)
        ]
        found[modality] = torch.zeros(samples, teacher.width)
        found[modality][torch.from_numpy(places)] = torch.cat(parts)
    return found
