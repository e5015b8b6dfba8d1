"""One stretch of training at an edge client or in the cloud: on which samples, moving what, against which loss."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from mlecs_ray.method import Client
from mlecs_ray.methods.local import Fit, LocalTraining, descend, require_samples
from mlecs_ray.methods.lowrank import beside
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive
from mlecs_ray.task import FusingTask
from mlecs_ray.tree import Tree


@dataclass(frozen=True)
class Meeting:
    """What a stage is carried out on, beside its parameters: samples through a client's senses, and their anchors."""

    task: FusingTask
    client: Client
    samples: Samples
    anchors: Tensor | None
    """What the other side makes of each public sample, or what the caption of each private one says (n, d)."""
    sent: Tree
    """The parameters that the job started from."""
    folded: Tree | None = None
    """Adapters that stand still beside those that are trained."""

    def whole(self, params: Tree) -> Tree:
        """``params`` with the adapters that stand still."""
        return params if self.folded is None else {**params, "lora": beside(self.folded, params["lora"])}


class Term(Protocol):
    """A part of a method: something added to the loss of a stage."""

    def init(self) -> Mapping[str, Tensor]:
        """Parameters of its own, at the root of the tree, and where they start."""

    def __call__(self, meeting: Meeting, params: Tree) -> Tensor:
        """A scalar, with its weight."""


@dataclass(frozen=True)
class Stage:
    """``loss = L_LM(data) + term``; only the trees that ``moves`` names are trained, all for None."""

    name: str
    local: LocalTraining
    data: Samples
    term: Term | None = None
    moves: tuple[str, ...] | None = None
    loss: Callable[[Tree, Samples], Tensor] | None = None
    """Instead of L_LM."""


def carry_out(stage: Stage, meeting: Meeting, params: Tree, seed: int) -> Fit:
    """Train ``params`` and give all of them back, those that stood still too.

    Raises InputError where there are no samples.
    """
    require_samples(meeting.client, len(stage.data))
    still = {} if stage.moves is None else {name: params[name] for name in params if name not in stage.moves}
    free = {name: params[name] for name in params if name not in still}

    def loss(params: Tree, batch: Samples) -> Tensor:
        whole = meeting.whole({**params, **still})
        told = stage.loss(whole, batch) if stage.loss else meeting.task.loss(whole, batch, meeting.client)
        return told if stage.term is None else told + stage.term(meeting, whole)

    found = descend(loss, free, stage.local, stage.data, derive(seed, stage.name))
    return found._replace(params={**found.params, **still})
