"""A fleet of two devices on an MLP of a few hundred weights: how they adapt what the cloud knows, in milliseconds."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch

from mlecs_ray.method import Arrival, Client, Job, Method, Update
from mlecs_ray.methods.eclm.enhance import SubTasks
from mlecs_ray.methods.eclm.options import ECLM
from mlecs_ray.methods.eclm.prototype import Prototype
from mlecs_ray.methods.eclm.system import ModularCloud
from mlecs_ray.methods.local import LocalTraining
from mlecs_ray.methods.optimizers import AdamW
from mlecs_ray.methods.pretrained import Offline, Pretrained
from mlecs_ray.models.classifier import ClassifierTask, Network
from mlecs_ray.models.modular import Modular
from mlecs_ray.samples import Samples
from mlecs_ray.sim.devices import find_device
from mlecs_ray.sim.population import cloud_client

CLASSES, WIDTH = 4, 6
TASK = ClassifierTask(Network((WIDTH,), CLASSES, "mlp", (16,)), (("x", WIDTH),))
LOCAL = LocalTraining(AdamW(0.02, weight_decay=0.0), 4, epochs=2)
CENTRES = torch.randn(CLASSES, WIDTH, generator=torch.Generator().manual_seed(0)) * 2
CLOUD = cloud_client(["x"], 10, "")


def samples(
    count: int = 40, seed: int = 0, labels: tuple[int, ...] = tuple(range(CLASSES)), turn: float = 0.0
) -> Samples:
    """Clouds of points around one centre a class; ``turn`` moves all of them."""
    draw = torch.Generator().manual_seed(seed)
    chosen = torch.tensor(labels)[torch.randint(len(labels), (count,), generator=draw)]
    x = CENTRES[chosen] + turn + 0.5 * torch.randn(count, WIDTH, generator=draw)
    return Samples({"x": x}, labels=chosen)


def device(number: int = 0, kind: str = "phone-high", samples: int = 20, step: int = 0, load: float = 1.0) -> Client:
    return Client(number, frozenset({"x"}), find_device(kind).budget, kind, samples, step=step, load=load)


@pytest.fixture
def cached(tmp_path, monkeypatch):
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path))


def pretrained(epochs: int = 20) -> Pretrained:
    return Pretrained(TASK, Offline(samples(80, 1), LocalTraining(AdamW(0.02), 16, epochs)))


def eclm(**options: Any) -> ModularCloud:
    options = {"modules": 4, "ratio": 0.25, "top": 2, "share": 1.0, "few": 2, "enhance_epochs": 2, **options}
    chosen, base = ECLM(**options), pretrained()
    model = Modular(TASK.network, chosen.grain, chosen.top)
    prototype = Prototype(base, model, SubTasks(((0, 1), (2, 3))), chosen)
    return ModularCloud(prototype, LOCAL, jobs=2, clients=100)


@dataclass
class Field:
    """The server and what its clients keep, by hand."""

    method: Method
    state: Any
    kept: dict[int, Any] = field(default_factory=dict)
    told: dict[int, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, method: Method) -> "Field":
        return cls(method, method.init(0))

    def informed(self, client: Client) -> Client:
        return replace(client, told=self.told.get(client.id, {}))

    def job(self, client: Client, data: Samples, seed: int = 1) -> tuple[Client, Any, Update]:
        """One job as the engine carries it out; the client, what it was sent and what came back."""
        known = self.informed(client)
        sent = self.method.assign(self.state, known)
        work = self.method.work(known, sent)
        update = self.method.train(Job(client, 0, seed, sent), data, self.kept.get(client.id, {}))
        if update.kept:
            self.kept[client.id] = update.kept
        if work.tells:
            self.told[client.id] = update.tree
        return known, sent, update

    def adapt(self, client: Client, data: Samples, seed: int = 1) -> Arrival:
        """Asked where need be, and trained."""
        known, sent, update = self.job(client, data, seed)
        if self.method.work(known, sent).tells:
            known, sent, update = self.job(client, data, seed)
        return Arrival(known, update, 0)

    def accuracy(self, client: Client, data: Samples) -> float:
        """Of the client's own model."""
        known = self.informed(client)
        shown = getattr(self.method, "shown", self.method.assign)(self.state, known)
        answers = self.method.predictor(shown, self.kept.get(client.id, {}), known)(data)
        return sum(a == b for a, b in zip(answers, data.labels.tolist(), strict=True)) / len(data)
