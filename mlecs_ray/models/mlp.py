"""Small classifiers: a plain MLP, and encoders of several modalities joined by a mask-aware fusion."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client, Predictor
from mlecs_ray.models import flops
from mlecs_ray.models.dense import init_linear, linear, nats, rows
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive
from mlecs_ray.task import Cost
from mlecs_ray.tree import Tree

# An answer of the whole test split at once would need more memory than its training did.
_CHUNK = 512


def _generator(seed: int, *keys: str) -> Generator:
    return Generator().manual_seed(derive(seed, "init", *keys))


def _labels(batch: Samples) -> Tensor:
    if batch.labels is None:
        raise InputError("samples without labels cannot train a classifier; a captioner can learn from their texts")
    return batch.labels


def _blank(shapes: Sequence[tuple[str, int]], batch: int) -> Samples:
    """A batch of zeros, for counting. (On the meta device the first operation imports for two seconds.)"""
    inputs = {m: torch.zeros(batch, dim) for m, dim in shapes}
    return Samples(inputs, labels=torch.zeros(batch, dtype=torch.int64))


def _loss(logits: Tensor, batch: Samples) -> Tensor:
    return F.cross_entropy(logits, _labels(batch))


def _total(terms: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum(0)


def _classes(logits: Callable[[Samples], Tensor], samples: Samples) -> list[int]:
    with torch.no_grad():
        chunks = [samples.take(range(i, min(i + _CHUNK, len(samples)))) for i in range(0, len(samples), _CHUNK)]
        return [int(c) for chunk in chunks for c in logits(chunk).argmax(1)]


@dataclass(frozen=True)
class MLPTask:
    """Classify one modality: linear layers with ReLU between, cross-entropy on the labels.

    ``sizes`` is (inputs, hidden..., classes). Paths: ``layers/<i>/weight|bias``.
    """

    sizes: tuple[int, ...] = (64, 64, 10)
    modality: str = "x"

    def __post_init__(self) -> None:
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise InputError(f"sizes={self.sizes} must be two or more numbers of 1 or above, or there is no layer")

    @property
    def structure_names(self) -> tuple[str, ...]:
        return ("",)

    def init(self, seed: int) -> Tree:
        pairs = zip(self.sizes, self.sizes[1:], strict=False)
        return {
            "layers": {str(i): init_linear(_generator(seed, str(i)), a, b) for i, (a, b) in enumerate(pairs)},
        }

    def part(self, params: Tree, client: Client) -> Tree:
        if self.modality not in client.modalities:
            raise InputError(
                f"client {client.id} has {sorted(client.modalities)}, not {self.modality!r}, so it has nothing to learn"
            )
        return params

    def logits(self, params: Tree, batch: Samples) -> Tensor:
        """(n, classes)."""
        x = rows(batch.inputs[self.modality], batch.present[self.modality])
        last = len(self.sizes) - 2
        for i in range(last):
            x = F.relu(linear(params["layers"][str(i)], x))
        return linear(params["layers"][str(last)], x)

    def loss(self, params: Tree, batch: Samples, client: Client) -> Tensor:
        return _loss(self.logits(params, batch), batch)

    def losses(self, params: Tree, batch: Samples, real: Tensor, client: Client, draws: Sequence[Generator]) -> Tensor:
        return nats(self.logits(params, batch), _labels(batch), real)

    def cost(self, client: Client, batch: int) -> Cost:
        return _mlp_cost(self, batch)

    def predictor(self, params: Tree, client: Client) -> Predictor:
        return lambda samples: _classes(lambda chunk: self.logits(params, chunk), samples)


@lru_cache
def _mlp_cost(task: MLPTask, batch: int) -> Cost:
    params, blank = flops.zeros(task.init(0)), _blank([(task.modality, task.sizes[0])], batch)
    first, *later = zip(task.sizes, task.sizes[1:], strict=False)
    step = flops.count_linear(lambda: _loss(task.logits(params, blank), blank), batch, [first], later)
    return flops.cost(step, batch, params)


@dataclass(frozen=True)
class FusionTask:
    """Classify from any subset of the modalities: one encoder each, a fusion that skips what is absent, one head.

    ``dims`` names each modality with the number of its input values. ``fusion="mean"`` averages the encodings that
    are there; ``"concat"`` puts each in its own slot and zeros in the slots of the absent.
    Paths: ``encoders/<modality>/weight|bias`` and ``head/weight|bias``.
    """

    dims: tuple[tuple[str, int], ...]
    classes: int
    hidden: int = 64
    fusion: Literal["mean", "concat"] = "mean"

    def __post_init__(self) -> None:
        if not self.dims or len(dict(self.dims)) < len(self.dims):
            raise InputError(f"dims={self.dims} must name one or more modalities, each once, or inputs get mixed up")
        if self.classes < 2:
            raise InputError(f"classes={self.classes} must be 2 or more, or there is nothing to tell apart")

    @property
    def structure_names(self) -> tuple[str, ...]:
        return ("",)

    def init(self, seed: int) -> Tree:
        width = self.hidden * (len(self.dims) if self.fusion == "concat" else 1)
        return {
            "encoders": {m: init_linear(_generator(seed, "encoder", m), dim, self.hidden) for m, dim in self.dims},
            "head": init_linear(_generator(seed, "head"), width, self.classes),
        }

    def part(self, params: Tree, client: Client) -> Tree:
        mine = [m for m, _ in self.dims if m in client.modalities]
        if not mine:
            raise InputError(
                f"client {client.id} has {sorted(client.modalities)}, none of {sorted(dict(self.dims))}, "
                "so it has nothing to learn"
            )
        return {"encoders": {m: params["encoders"][m] for m in mine}, "head": params["head"]}

    def logits(self, params: Tree, batch: Samples) -> Tensor:
        """(n, classes), from the modalities that have both an encoder in ``params`` and a column in ``batch``."""
        there = {
            m: batch.present[m][:, None] for m, _ in self.dims if m in params["encoders"] and m in batch.modalities
        }
        slots = {
            m: F.relu(linear(params["encoders"][m], rows(batch.inputs[m], on[:, 0]))) * on for m, on in there.items()
        }
        return linear(params["head"], self._join(slots, there))

    def _join(self, slots: dict[str, Tensor], there: dict[str, Tensor]) -> Tensor:
        """Encodings (n, hidden) by modality to (n, width), zero or not counted where absent."""
        if not slots:
            raise InputError(f"no sample has any of {sorted(dict(self.dims))}, so there is nothing to answer from")
        if self.fusion == "mean":
            return _total(slots.values()) / _total(on.float() for on in there.values()).clamp(min=1)
        zeros = torch.zeros_like(next(iter(slots.values())))
        return torch.cat([slots.get(m, zeros) for m, _ in self.dims], dim=1)

    def loss(self, params: Tree, batch: Samples, client: Client) -> Tensor:
        return _loss(self.logits(params, batch.only(client.modalities)), batch)

    def losses(self, params: Tree, batch: Samples, real: Tensor, client: Client, draws: Sequence[Generator]) -> Tensor:
        return nats(self.logits(params, batch.only(client.modalities)), _labels(batch), real)

    def cost(self, client: Client, batch: int) -> Cost:
        # The count does not depend on who asks, only on the modalities: one count serves all such clients.
        return _fusion_cost(self, frozenset(client.modalities), batch)

    def predictor(self, params: Tree, client: Client) -> Predictor:
        return lambda samples: _classes(lambda chunk: self.logits(params, chunk), samples.only(client.modalities))


@lru_cache
def _fusion_cost(task: FusionTask, modalities: frozenset[str], batch: int) -> Cost:
    mine = [(m, dim) for m, dim in task.dims if m in modalities]
    whole, blank = task.init(0), _blank(mine, batch)
    params = flops.zeros({**whole, "encoders": {m: whole["encoders"][m] for m, _ in mine}})
    encoders, head = [(dim, task.hidden) for _, dim in mine], (whole["head"]["weight"].shape[1], task.classes)
    step = flops.count_linear(lambda: _loss(task.logits(params, blank), blank), batch, encoders, [head])
    return flops.cost(step, batch, params)
