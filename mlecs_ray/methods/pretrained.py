"""A task whose first parameters were trained on the cloud's public samples, before any device was switched on."""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mlecs_ray import cache
from mlecs_ray.method import Client, Predictor
from mlecs_ray.methods.checks import check
from mlecs_ray.methods.local import LocalTraining, descend
from mlecs_ray.models.classifier import ClassifierTask
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive
from mlecs_ray.sim.population import cloud_client
from mlecs_ray.task import Cost
from mlecs_ray.tree import Tree, tree_digest
from mlecs_ray.wire import pack, unpack

_FILE = "params.safetensors"


@dataclass(frozen=True, eq=False)
class Offline:
    """How and from what the cloud learns beforehand."""

    public: Samples
    local: LocalTraining

    def __post_init__(self) -> None:
        check(
            len(self.public) >= 2,
            f"data.public_share leaves {len(self.public)} public samples; there must be 2 or more for "
            "task.pretrain_epochs, or the cloud has nothing to learn from beforehand",
        )

    def recipe(self) -> dict[str, Any]:
        """All that a result depends on, as JSON values."""
        return {"data": digest(self.public), "local": repr(self.local), "torch": torch.__version__}


@dataclass(frozen=True, eq=False)
class Pretrained:
    """``task``, but ``init`` gives what ``offline`` training makes of it; kept in the cache by what it depends on."""

    task: ClassifierTask
    offline: Offline

    @property
    def structure_names(self) -> tuple[str, ...]:
        return self.task.structure_names

    def init(self, seed: int) -> Tree:
        recipe = {"network": described(self.task), "seed": seed, **self.offline.recipe()}
        return remembered("pretrained", recipe, lambda: self._trained(seed))

    def outline(self) -> Tree:
        """The shapes of ``init``, untrained."""
        return self.task.init(0)

    def _trained(self, seed: int) -> Tree:
        client, data, local = judge(self.task), self.offline.public, self.offline.local
        begin = self.task.init(seed)
        return descend(lambda p, b: self.task.loss(p, b, client), begin, local, data, derive(seed, "offline")).params

    def part(self, params: Tree, client: Client) -> Tree:
        return self.task.part(params, client)

    def logits(self, params: Tree, batch: Samples) -> torch.Tensor:
        """(n, classes)."""
        return self.task.logits(params, batch)

    def loss(self, params: Tree, batch: Samples, client: Client) -> torch.Tensor:
        return self.task.loss(params, batch, client)

    def cost(self, client: Client, batch: int) -> Cost:
        return self.task.cost(client, batch)

    def predictor(self, params: Tree, client: Client) -> Predictor:
        return self.task.predictor(params, client)


def judge(task: ClassifierTask) -> Client:
    """Nobody in particular, who has all modalities."""
    return cloud_client([name for name, _ in task.modalities], 1, "")


def described(task: ClassifierTask) -> dict[str, Any]:
    """The network as JSON values; with what it answers when fresh, as parts of one name may do different things."""
    network = task.network
    ramp = torch.linspace(-1, 1, math.prod(network.form)).view(1, *network.form)
    with torch.no_grad():
        answers = network.module(ramp).flatten()
    said = {"module": repr(network.module), "form": list(network.form), "classes": network.classes}
    return {**said, "answers": [round(value, 3) for value in answers.tolist()]}


def digest(samples: Samples) -> str:
    """SHA-256 of inputs, which of them are there, labels and domains."""
    columns = {"inputs": samples.inputs, "present": samples.present, "labels": samples.labels}
    # A tree has no empty branches.
    told = tree_digest({name: column for name, column in columns.items() if column is not None and len(column)})
    return hashlib.sha256("\n".join((told, *samples.domains)).encode()).hexdigest()


def remembered(name: str, recipe: Mapping[str, Any], make: Callable[[], Tree]) -> Tree:
    """The tree of this recipe: read from the cache, or made and written there first."""

    def build(folder: Path) -> None:
        (folder / _FILE).write_bytes(pack(make()))

    folder = cache.build_once(cache.derived(name, recipe), build)
    return unpack((folder / _FILE).read_bytes())
