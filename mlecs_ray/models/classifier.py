"""A network of blocks as a task: classify one modality by cross-entropy."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlecs_ray.draws import seed_torch
from mlecs_ray.errors import InputError
from mlecs_ray.method import Client, Predictor
from mlecs_ray.models import flops
from mlecs_ray.models.decompose import applied, parts, weights
from mlecs_ray.models.dense import rows
from mlecs_ray.models.networks import NETWORKS, Form
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive
from mlecs_ray.task import Cost
from mlecs_ray.tree import Tree

T = TypeVar("T")
Make = Callable[[Form, int], nn.Sequential]
"""A network of one's own: (form of an input, classes) to a sequence."""


@dataclass(frozen=True)
class Network:
    """Which network: a kind of ``NETWORKS`` with its widths, or one of one's own (``make``)."""

    form: Form
    classes: int
    kind: str = "mlp"
    widths: tuple[int, ...] = (64,)
    make: Make | None = None

    def __post_init__(self) -> None:
        if self.make is None and self.kind not in NETWORKS:
            raise InputError(
                f"task.network={self.kind!r} must be one of {', '.join(NETWORKS)}, or path.py:make of your own, or "
                "there is no model"
            )
        if not self.widths or min(self.widths) < 1:
            raise InputError(f"task.hidden={list(self.widths)} must be one or more widths of 1 or above")

    @property
    def module(self) -> nn.Sequential:
        """It, made once; its own weights mean nothing."""
        found: nn.Sequential = _made(self)
        return found

    def fresh(self, seed: int) -> nn.Sequential:
        """It, with weights drawn from ``seed``."""
        return seeded(seed, self._make)

    def _make(self) -> nn.Sequential:
        if self.make is not None:
            return self.make(self.form, self.classes)
        return NETWORKS[self.kind](self.form, self.classes, self.widths)

    def narrowed(self, ratio: float) -> "Network":
        """The same with ``ratio`` of every width, at least 1: a part of it for HeteroFL."""
        if self.make is not None:
            raise InputError("a network of your own has no widths to narrow: choose a task.network that ships")
        return replace(self, widths=tuple(max(1, round(width * ratio)) for width in self.widths))


_made = lru_cache(maxsize=64)(lambda network: network.fresh(0))


@dataclass(frozen=True)
class ClassifierTask:
    """Classify with ``network``. Paths: ``<part>/<leaf>``, the parts as in the sequence.

    It reads one modality as it is, or several, each flattened, one after another.
    """

    network: Network
    modalities: tuple[tuple[str, int], ...] = (("x", 1),)
    """Each with the number of its values."""

    @property
    def structure_names(self) -> tuple[str, ...]:
        return ("",)

    def init(self, seed: int) -> Tree:
        return params_of(self.network.fresh(derive(seed, "init")))

    def part(self, params: Tree, client: Client) -> Tree:
        self.require(client)
        return params

    def require(self, client: Client) -> None:
        """Raise InputError for a client that has none of its modalities."""
        if not client.modalities & dict(self.modalities).keys():
            raise InputError(
                f"client {client.id} has {sorted(client.modalities)}, none of {[m for m, _ in self.modalities]}, so it "
                "has nothing to learn"
            )

    def inputs(self, batch: Samples) -> Tensor:
        """(n, *form), also of pictures that a request sent as rows; zeros where a modality is absent."""
        if len(self.modalities) == 1:
            ((name, _),) = self.modalities
            x, there = batch.inputs[name], batch.present[name]
            x = x.reshape(len(x), *self.network.form)
            return x if there.all() else x.masked_fill(~there.view(-1, *[1] * (x.dim() - 1)), 0.0)
        n = len(batch)
        columns = [
            rows(batch.inputs[name], batch.present[name]) if name in batch.inputs else torch.zeros(n, width)
            for name, width in self.modalities
        ]
        return torch.cat(columns, 1)

    def logits(self, params: Tree, batch: Samples) -> Tensor:
        """(n, classes)."""
        return forward(self.network.module, params, self.inputs(batch))

    def loss(self, params: Tree, batch: Samples, client: Client) -> Tensor:
        return F.cross_entropy(self.logits(params, batch), labels_of(batch))

    def cost(self, client: Client, batch: int) -> Cost:
        return cost_of(self.network, batch)

    def predictor(self, params: Tree, client: Client) -> Predictor:
        return lambda samples: classes(lambda chunk: self.logits(params, chunk), samples)


def seeded(seed: int, make: Callable[[], T]) -> T:
    """What ``make`` makes, where modules draw their first weights from ``seed``; others' chance is left alone."""
    with torch.random.fork_rng(devices=[]):
        seed_torch(seed)
        return make()


def params_of(module: nn.Sequential) -> Tree:
    """Parameters by part: ``<child>/<leaf>``."""
    return {name: tree for name, child in parts(module) if (tree := weights(child))}


def load(module: nn.Module, params: Tree) -> None:
    """Give ``module`` the parameters that ``params_of`` one like it gave."""
    module.load_state_dict({f"{part}.{name}": leaf for part, tree in params.items() for name, leaf in tree.items()})


def forward(module: nn.Sequential, params: Tree, x: Tensor) -> Tensor:
    """``module`` with these parameters, part after part."""
    for name, part in parts(module):
        x = applied(part, params.get(name, {}), x)
    return x


@lru_cache(maxsize=256)
def cost_of(network: Network, batch: int) -> Cost:
    """Of training the network on batches of this size."""
    params = flops.zeros(params_of(network.module))
    blank, labels = torch.zeros(batch, *network.form), torch.zeros(batch, dtype=torch.int64)
    step = flops.count(lambda: F.cross_entropy(forward(network.module, params, blank), labels))
    return flops.cost(step, batch, params)


def labels_of(batch: Samples) -> Tensor:
    """Raises InputError where there are none."""
    if batch.labels is None:
        raise InputError("samples without labels cannot train a classifier")
    return batch.labels


def classes(logits: Callable[[Samples], Tensor], samples: Samples, chunk: int = 256) -> list[int]:
    """The likeliest class of each sample."""
    with torch.no_grad():
        starts = range(0, len(samples), chunk)
        parts = [samples.take(range(start, min(start + chunk, len(samples)))) for start in starts]
        return [int(c) for part in parts for c in logits(part).argmax(1)]
