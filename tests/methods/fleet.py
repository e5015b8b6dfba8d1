"""A fleet of two on random language models of a few thousand weights: what edge and cloud exchange, in milliseconds."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from mlecs_ray.method import Arrival, Client, Job, Update
from mlecs_ray.methods.edgecloud import EdgeCloud
from mlecs_ray.methods.exchange import Parts
from mlecs_ray.methods.local import LocalTraining
from mlecs_ray.methods.optimizers import AdamW
from mlecs_ray.models.captioner import CaptionTask
from mlecs_ray.models.lora import LoRA
from mlecs_ray.models.prune import prune
from mlecs_ray.models.structure import Structure
from mlecs_ray.samples import Samples
from mlecs_ray.sim.population import cloud_client
from tests.models import tiny

SENSES = {"image": 5, "speech": 3}
WORDS = ("the hat", "a cap", "the hat and a cap", "an ant", "the den", "and then")


def task(folder: Path) -> CaptionTask:
    """Two edge structures that differ in depth, encoders, fusion and rank, and a cloud that is deeper than both."""
    whole = tiny.slm()
    small, smaller = prune(whole, (0, 1, 3), None), prune(whole, (0, 3), None)
    return CaptionTask(
        structures=(
            Structure("base", tiny.folder(folder / "base", small), hidden=(6,)),
            Structure("small", tiny.folder(folder / "small", smaller), hidden=(4,), fusion="pooling", rank=1),
            Structure("cloud", tiny.folder(folder / "cloud", whole), hidden=(6,)),
        ),
        dims=tuple(SENSES.items()),
        lora=LoRA(rank=2, alpha=4, dropout=0.0),
        tokens=2,
        instruction="say:",
        max_tokens=8,
    )


def samples(count: int = 6, seed: int = 0) -> Samples:
    """Each sense lacks a sample; every sample has a sense."""
    draw = torch.Generator().manual_seed(seed)
    present = {m: torch.arange(count) != place for place, m in enumerate(SENSES)}
    inputs = {m: torch.randn(count, dim, generator=draw) * present[m][:, None] for m, dim in SENSES.items()}
    return Samples(inputs, present, texts=tuple(WORDS[i % len(WORDS)] for i in range(count)))


BASE = replace(tiny.client("image", "speech", structure="base"), id=0)
SMALL = replace(tiny.client("speech", structure="small"), id=1)
CLOUD = cloud_client(sorted(SENSES), 6, "cloud")


def system(made: CaptionTask, parts: Parts, steps: int = 2) -> EdgeCloud:
    return EdgeCloud(made, LocalTraining(AdamW(0.05), 3, steps=steps), samples(), CLOUD, 3, parts)


@dataclass
class Round:
    """One job of each client and one of the cloud, by hand."""

    method: EdgeCloud
    state: Any
    kept: dict[int, Any]

    @classmethod
    def of(cls, method: EdgeCloud) -> "Round":
        return cls(method, method.init(0), {})

    def train(self, client: Client, seed: int = 1, private: Samples | None = None, **changed: Any) -> Update:
        """``changed`` stands in for what the server would send, ``private`` for the client's samples."""
        tree = {**self.method.assign(self.state, client), **changed}
        job = Job(client, 0, seed, tree)
        own = private or samples(4, seed=9 + client.id)
        update = self.method.train(job, own.only(client.modalities), self.kept.get(client.id, {}))
        self.kept[client.id] = update.kept
        return update

    def merge(self, client: Client, update: Update, staleness: int = 0) -> None:
        self.state = self.method.merge(self.state, [Arrival(client, update, staleness)])
