"""What answers that are no words are estimated to cost, and what the cloud's answers took so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from mlecs_ray.models.reid.kinds import TEXT
from mlecs_ray.run.artifact import Card
from mlecs_ray.run.bundle import Bundle
from mlecs_ray.samples import Samples
from mlecs_ray.serving.cost import Estimate, computed, row_flops, sent
from mlecs_ray.sim.devices import find_device
from serve.limits import Mean


@dataclass(frozen=True)
class Load:
    """What a model is given, and what comes back."""

    rows: Sequence[Samples] = ()
    words: int = 0
    """Bytes of text beside the rows."""
    sentences: int = 0
    """How many texts those are."""
    down: int = 0
    """Bytes of the answer."""

    @property
    def modalities(self) -> frozenset[str]:
        """That some row has."""
        return frozenset().union(*(row.modalities for row in self.rows))


def features(rows: Sequence[Samples]) -> int:
    """Bytes of rows as they are sent, each number as long as in memory."""
    return sum(column.nbytes for row in rows for column in row.inputs.values())


def estimate(bundle: Bundle, card: Card, side: Literal["edge", "cloud"], edge_device: str, load: Load) -> Estimate:
    """Of one answer on the device that the model is made for; to look words up multiplies nothing, but who finds people
    reads them."""
    folder, frames = bundle.folder / card.folder, [{m: _frames(row, m) for m in card.modalities} for row in load.rows]
    if bundle.searcher is not None:
        flops = sum(bundle.answer_flops(card, m) for one in frames for m, count in one.items() if count)
        flops += load.sentences * bundle.answer_flops(card, TEXT) if TEXT in card.modalities else 0.0
    else:
        flops = sum(row_flops(folder, {m: count for m, count in one.items() if count}) for one in frames)
    cost = computed(find_device(card.device).budget, flops)
    if side == "edge":
        return cost
    sensed = features([bundle.own_rows(card, row) for row in load.rows])
    return cost + sent(find_device(edge_device).budget, sensed + load.words, load.down)


def _frames(row: Samples, modality: str) -> int:
    """How often the first layers run: once for each frame; 0 where it is not sensed."""
    column = row.inputs.get(modality)
    return 0 if column is None else column[0].numel() // column.shape[-1]


@dataclass
class Measured:
    """Running means of the cloud's answers; 0 before there was one."""

    seconds: Mean = field(default_factory=lambda: Mean(0.0))
    joules: Mean = field(default_factory=lambda: Mean(0.0))
    answers: int = 0

    def add(self, seconds: float, joules: float) -> None:
        """One more."""
        self.answers += 1
        for mean, value in ((self.seconds, seconds), (self.joules, joules)):
            mean.seconds = value if self.answers == 1 else mean.seconds
            mean.add(value)
