"""A task small enough to solve by hand: least squares, one weight vector per modality."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mlecs_ray.method import Arrival, Budget, Client, Predictor, Update
from mlecs_ray.methods.fedavg import FedAvg
from mlecs_ray.methods.local import LocalTraining
from mlecs_ray.methods.optimizers import SGD
from mlecs_ray.samples import Samples
from mlecs_ray.task import Cost
from mlecs_ray.tree import Tree

BUDGET = Budget(1e9, 1e9, 1e6, 1e6, 0.01, 1e-9, 1e-7, None)


@dataclass(frozen=True)
class Line:
    """Predicts with ``sum_m x_m w_m``."""

    params: Tree

    def __call__(self, samples: Samples) -> Sequence[float]:
        return predict(self.params, samples).tolist()


@dataclass(frozen=True)
class LeastSquares:
    """``loss = 1/2 mean (sum_m x_m w_m - y)^2``; the target y is the column "y"; w_m starts at 0."""

    modalities: tuple[str, ...] = ("x",)
    features: int = 1

    @property
    def structure_names(self) -> tuple[str, ...]:
        return ("",)

    def init(self, seed: int) -> Tree:
        return {m: {"w": torch.zeros(self.features)} for m in self.modalities}

    def part(self, params: Tree, client: Client) -> Tree:
        return {m: params[m] for m in self.modalities if m in client.modalities}

    def loss(self, params: Tree, batch: Samples, client: Client) -> Tensor:
        return 0.5 * (predict(params, batch) - batch.inputs["y"]).square().mean()

    def cost(self, client: Client, batch: int) -> Cost:
        return Cost(flops_per_sample=6.0 * self.features, memory_bytes=100.0)

    def predictor(self, params: Tree, client: Client) -> Predictor:
        return Line(params)


def predict(params: Tree, samples: Samples) -> Tensor:
    """(n,) predictions from the modalities that ``params`` has."""
    return torch.stack([samples.inputs[m] @ part["w"] for m, part in params.items()]).sum(0)


def client(number: int = 0, modalities: Sequence[str] = ("x",), samples: int = 1, tier: int = 0) -> Client:
    """An edge client of the toy fleet."""
    return Client(number, frozenset(modalities), BUDGET, "toy", samples, tier=tier)


def points(x: Sequence[float], y: Sequence[float]) -> Samples:
    """One feature and one target per sample."""
    return Samples({"x": torch.tensor(x, dtype=torch.float32).reshape(-1, 1), "y": torch.tensor(y)})


def fedavg(modalities: tuple[str, ...] = ("x",), lr: float = 0.1, epochs: int = 1) -> FedAvg:
    """FedAvg on the toy with plain full-batch SGD."""
    return FedAvg(LeastSquares(modalities), LocalTraining(SGD(lr), batch=64, epochs=epochs))


def scalar(value: float, modality: str = "x") -> Tree:
    """The toy's tree with one number in it."""
    return {modality: {"w": torch.tensor([value])}}


def value(tree: Tree, modality: str = "x") -> float:
    """The number in the toy's tree."""
    return float(tree[modality]["w"])


def arrival(tree: Tree, weight: float = 1.0, staleness: int = 0, who: Client | None = None) -> Arrival:
    """An update as the server meets it."""
    return Arrival(who or client(), Update(tree, weight), staleness)
