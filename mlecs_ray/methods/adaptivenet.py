"""AdaptiveNet: a supernet of which each device searches the path that suits its data (arXiv 2303.07129)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.method import Arrival, Client, Job, Predictor, Update, Work
from mlecs_ray.methods.checks import check
from mlecs_ray.methods.eclm.budgets import spare
from mlecs_ray.methods.local import LocalTraining, descend, require_samples, seen_of
from mlecs_ray.methods.pretrained import Pretrained, described, remembered
from mlecs_ray.models import flops
from mlecs_ray.models.classifier import ClassifierTask, Network, classes, labels_of
from mlecs_ray.models.modular import whole
from mlecs_ray.models.supernet import Path, Supernet
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive
from mlecs_ray.sim.population import CLOUD
from mlecs_ray.tree import Tree


@dataclass(frozen=True, eq=False)
class AdaptiveNet:
    """The cloud's model gets branches past its blocks, trained on the public samples by random paths that are taught
    by the whole. A device tries the paths that its budget allows on its own samples, takes the best, and trains it on
    them alone. Nothing travels after the factory.

    The paper searches by latency on the device and by accuracy on unlabelled or few samples; so few blocks have so
    few paths that all are tried here.
    """

    task: Pretrained
    local: LocalTraining
    seed: int
    """Of the models with which devices leave the factory."""
    share: float = 0.5
    reference: str = "phone-high"
    branch_epochs: int = 10

    def __post_init__(self) -> None:
        check(self.share > 0, f"share={self.share} must be above 0, or no path is allowed")
        check(self.branch_epochs >= 1, f"branch_epochs={self.branch_epochs} must be 1 or more, or branches are noise")

    @property
    def _plain(self) -> ClassifierTask:
        return self.task.task

    @property
    def net(self) -> Supernet:
        """The paths."""
        return Supernet(self._plain.network)

    @cached_property
    def _factory(self) -> Tree:
        return self.init(self.seed)

    def outline(self) -> Tree:
        """The shapes of ``init``, untrained."""
        return {**self.task.outline(), **self.net.branches(0)}

    def init(self, seed: int) -> Tree:
        """The whole network as it is pretrained, and branches that learned to stand in for its blocks."""
        recipe = {"network": described(self._plain), "epochs": self.branch_epochs, "seed": seed}
        return remembered("supernet", {**recipe, **self.task.offline.recipe()}, lambda: self._trained(seed))

    def _trained(self, seed: int) -> Tree:
        main = self.task.init(seed)
        shortcuts = [path for path in self.net.paths if any(">" in part for part in path)]

        def loss(params: Tree, batch: Samples) -> Tensor:
            x = self._plain.inputs(batch)
            path = shortcuts[int(torch.randint(len(shortcuts), (1,)))]
            logits = self.net.forward({**main, **params}, x, path)
            with torch.no_grad():
                taught = self.net.forward(main, x, self.net.paths[0]).softmax(1)
            told = F.kl_div(logits.log_softmax(1), taught, reduction="batchmean")
            return F.cross_entropy(logits, labels_of(batch)) + told

        if not shortcuts:
            return main
        local = LocalTraining(self.task.offline.local.optimizer, self.task.offline.local.batch, self.branch_epochs)
        begin = self.net.branches(seed)
        learned = descend(loss, begin, local, self.task.offline.public, derive(seed, "branches"))
        return {**main, **learned.params}

    def assign(self, state: Tree, client: Client) -> Tree:
        """Nothing travels."""
        return {}

    def work(self, client: Client, tree: Tree) -> Work:
        """Every path that is tried forward over the samples, and the largest of them trained."""
        require_samples(client, client.samples)
        allowed = self.allowed(client)
        found = [path_cost(self._plain.network, path, self.local.batch) for path in allowed]
        seen = seen_of(self.local, client.samples)
        tried = sum(one[1] for one in found) / 3 * client.samples if len(found) > 1 else 0.0
        return Work(tried + max(one[1] for one in found) * seen, {}, max(one[0] for one in found))

    def allowed(self, client: Client) -> list[Path]:
        """The paths that fit what the device can spare; where none does, the cheapest."""
        network, batch = self._plain.network, self.local.batch
        limit = spare(client, whole(network, batch), self.share, self.reference)
        costs = {path: path_cost(network, path, batch) for path in self.net.paths}
        fitting = [path for path, cost in costs.items() if all(cost[i] <= limit[i] for i in range(2))]
        return fitting or [min(costs, key=lambda path: costs[path][1])]

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        """Search, then train what was found, from what the device has come to so far."""
        params = {**self._factory, **kept.get("model", {})}
        path = self._best(params, data, job.client)
        own = {name: params[name] for name in path if name in params}
        task = self._plain

        def loss(tree: Tree, batch: Samples) -> Tensor:
            return F.cross_entropy(self.net.forward(tree, task.inputs(batch), path), labels_of(batch))

        learned = descend(loss, own, self.local, data, job.seed)
        model = {**kept.get("model", {}), **learned.params}
        keeps = {"model": model, "path": torch.tensor(self.net.paths.index(path))}
        return Update({}, float(len(data)), keeps, {"loss": learned.loss})

    @torch.no_grad()
    def _best(self, params: Tree, data: Samples, client: Client) -> Path:
        """The allowed path with the lowest loss on the device's samples."""
        x, labels, allowed = self._plain.inputs(data), labels_of(data), self.allowed(client)
        if len(allowed) == 1:
            return allowed[0]
        found = [float(F.cross_entropy(self.net.forward(params, x, path), labels)) for path in allowed]
        return allowed[found.index(min(found))]

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        return state

    def shown(self, state: Tree, client: Client) -> Tree:
        """The supernet, as it left the factory."""
        return state

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        """The path that the device chose; before it has, the largest that it may."""
        params = {**tree, **kept.get("model", {})}
        path = self.net.paths[0] if client.id == CLOUD else self.allowed(client)[0]
        if "path" in kept:
            path = self.net.paths[int(kept["path"])]
        task = self._plain
        return lambda samples: classes(lambda b: self.net.forward(params, task.inputs(b), path), samples)


@lru_cache(maxsize=512)
def path_cost(network: Network, path: Path, batch: int) -> tuple[float, float]:
    """Bytes of memory, and FLOPs of a sample forward and backward, of training this path."""
    net = Supernet(network)
    whole_tree = {name: dict(part.named_parameters()) for name, part in net.parts.items()}
    params = flops.zeros({name: tree for name, tree in whole_tree.items() if tree and name in path})
    x, labels = torch.zeros(batch, *network.form), torch.zeros(batch, dtype=torch.int64)
    cost = flops.cost(flops.count(lambda: F.cross_entropy(net.forward(params, x, path), labels)), batch, params)
    return cost.memory_bytes, cost.flops_per_sample
