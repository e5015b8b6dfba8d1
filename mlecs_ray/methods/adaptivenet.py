"""AdaptiveNet: a supernet of which each device searches the path that suits its data (arXiv 2303.07129)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.method import Arrival, Client, Job, Predictor, Update, Work
from mlecs_ray.methods.checks import check
from mlecs_ray.methods.eclm.budgets import spare
from mlecs_ray.methods.local import LocalTraining, descend, require_samples, seen_of
from mlecs_ray.methods.pretrained import Pretrained, described, remembered
from mlecs_ray.methods.teacher import taught
from mlecs_ray.models import flops
from mlecs_ray.models.classifier import ClassifierTask, Network, classes, labels_of
from mlecs_ray.models.decompose import weights
from mlecs_ray.models.modular import Numbers, whole
from mlecs_ray.models.supernet import Path, Supernet
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive
from mlecs_ray.sim.population import CLOUD
from mlecs_ray.tree import Tree, tree_digest, tree_to

_EDITION = 2
"""Of the offline training: what another one left in the cache is not used."""


@dataclass(frozen=True, eq=False)
class AdaptiveNet:
    """The cloud's model gets branches past and beside its blocks, trained on the public samples by random paths that
    are taught by the whole, which stays as it is. A device tries some of the paths that its budget allows on its own
    samples, takes the best, and trains it on them alone. Nothing travels after the factory, so bytes bind nobody.

    The paper searches by latency on the device and by accuracy on unlabelled or few samples, with evolution; here those
    that use most of the budget are tried, ``tries`` of them [ours].
    """

    task: Pretrained
    local: LocalTraining
    seed: int
    """Of the models with which devices leave the factory."""
    share: float = 0.5
    """Of the whole network's memory and compute, on ``reference``: what a device may use."""
    reference: str = "phone-high"
    """A device with less of something than this one gets proportionally less of it."""
    least: float = 0.0
    """No device has less than this share of the whole network's memory and compute, before others take their part."""
    branch_epochs: int = 15
    """Of the branches' training on the public samples, before the run."""
    tries: int = 16
    """Paths that a device answers its samples with before it trains one."""

    def __post_init__(self) -> None:
        check(self.share > 0, f"share={self.share} must be above 0, or no path is allowed")
        check(0 <= self.least <= 1, f"least={self.least} must lie in [0, 1], or no device has so much")
        check(self.branch_epochs >= 1, f"branch_epochs={self.branch_epochs} must be 1 or more, or branches are noise")
        check(self.tries >= 1, f"tries={self.tries} must be 1 or more, or no path is found")
        kinds = [type(child).__name__ for child in self._plain.network.module]
        check(
            len(self.net.paths) > 1,
            f"adaptivenet needs a network with a block that can be narrower or two that can be one, not {kinds}: every "
            "device would train all of it, as localadaptation does",
        )

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
        whole = self.task.outline()
        return {**whole, **self.net.branches(whole, 0)}

    def init(self, seed: int) -> Tree:
        """The whole network as it is pretrained, and branches that learned to stand in for its blocks."""
        # Rules of a user's own say what narrower blocks are, and what they begin with.
        branches = tree_digest(self.net.branches(self.task.outline(), 0))
        own = {"network": described(self._plain), "branches": branches, "epochs": self.branch_epochs}
        recipe = {**own, "seed": seed, "edition": _EDITION, **self.task.offline.recipe()}
        return remembered("supernet", recipe, lambda: self._trained(seed))

    def _trained(self, seed: int) -> Tree:
        main, (whole, *others) = self.task.init(seed), self.net.paths
        local = replace(self.task.offline.local, epochs=self.branch_epochs)

        def loss(params: Tree, batch: Samples) -> Tensor:
            x = self._plain.inputs(batch)
            path = others[int(torch.randint(len(others), (1,)))]
            logits = self.net.forward({**main, **params}, x, path)
            with torch.no_grad():
                known = self.net.forward(main, x, whole)
            return taught(logits, known, labels_of(batch))

        begin = self.net.branches(main, derive(seed, "branches"))
        learned = descend(loss, begin, local, self.task.offline.public, derive(seed, "branches"))
        return {**main, **learned.params}

    def assign(self, state: Tree, client: Client) -> Tree:
        """Nothing travels."""
        return {}

    def work(self, client: Client, tree: Tree) -> Work:
        """Every path that is tried forward over the samples, and the largest of them trained."""
        require_samples(client, client.samples)
        memory, flops_each = self._costs[self._allowed(client)].T
        seen = seen_of(self.local, client.samples)
        # Backward costs twice as much as forward.
        tried = flops_each.sum() / 3 * client.samples if len(flops_each) > 1 else 0.0
        return Work(float(tried + flops_each.max() * seen), {}, float(memory.max()))

    @property
    def _costs(self) -> Numbers:
        """(paths, 2)."""
        return path_costs(self._plain.network, self.local.batch)

    def allowed(self, client: Client) -> list[Path]:
        """The paths that the device tries: of those that fit what it can spare the ``tries`` that use the largest
        shares of its memory and compute together; where none fits, the one that is least too large."""
        return [self.net.paths[place] for place in self._allowed(client)]

    def _allowed(self, client: Client) -> list[int]:
        costs = self._costs
        full = whole(self._plain.network, self.local.batch)
        used = costs / spare(client, full, self.share, self.reference, self.least)[:2]
        ranked = np.argsort(-used.sum(1), kind="stable")
        fitting = [int(place) for place in ranked if used[place].max() <= 1]
        return fitting[: self.tries] or [int(used.max(1).argmin())]

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        """Search, then train what was found, from what the device has come to so far."""
        params = {**tree_to(self._factory, data.device), **kept.get("model", {})}
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

    def model(self, tree: Tree, kept: Tree, client: Client) -> Tree:
        """The path that the device chose; before it has, the one that uses its budget best."""
        params = {**tree, **kept.get("model", {})}
        best = self.net.paths[0] if client.id == CLOUD else self.allowed(client)[0]
        path = kept.get("path", torch.tensor(self.net.paths.index(best)))
        return {**{name: params[name] for name in self.net.paths[int(path)] if name in params}, "path": path}

    def scores(self, model: Tree, client: Client) -> Callable[[Samples], Tensor]:
        """Those of the path."""
        path = self.net.paths[int(model["path"])]
        return lambda samples: self.net.forward(model, self._plain.inputs(samples), path)

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        return partial(classes, self.scores(self.model(tree, kept, client), client))


@lru_cache(maxsize=16)
def path_costs(network: Network, batch: int) -> Numbers:
    """(paths, 2): bytes of memory, and FLOPs of a sample forward and backward, of training each path.

    Each branch is counted once, by what it changes: they change the same in each other's company.
    """
    net = Supernet(network)
    base = path_cost(network, net.paths[0], batch)
    changes = {name: path_cost(network, path, batch) - base for name, path in net.detours.items()}
    return np.array([base + sum(changes[name] for name in path if name in changes) for path in net.paths])


def path_cost(network: Network, path: Path, batch: int) -> Numbers:
    """(2,): that of one path, counted as it runs."""
    net = Supernet(network)
    params = flops.zeros({name: tree for name in path if (tree := weights(net.parts[name]))})
    x, labels = torch.zeros(batch, *network.form), torch.zeros(batch, dtype=torch.int64)
    cost = flops.cost(flops.count(lambda: F.cross_entropy(net.forward(params, x, path), labels)), batch, params)
    return np.array([cost.memory_bytes, cost.flops_per_sample])
