"""SCAFFOLD (arXiv 1910.06378, option II): a method of one's own, written outside the package.

Run it with ``mlecs run NAME --method examples/scaffold.py:Scaffold``; ``docs/methods.md`` explains it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from mlecs_ray.errors import InputError
from mlecs_ray.method import Arrival, Client, Job, Predictor, Update, Work
from mlecs_ray.methods.fedavg import FedAvg
from mlecs_ray.methods.local import steps_of
from mlecs_ray.methods.optimizers import SGD, Optimizer
from mlecs_ray.methods.parts import common, joined
from mlecs_ray.samples import Samples
from mlecs_ray.tree import Tree, overlay, tree_bytes, tree_map, tree_scale, tree_zeros


@dataclass(frozen=True)
class Scaffold:
    """Clients step ``y -= lr (g + c - c_k)`` K times, then ``c_k' = c_k - c - D_k / (K lr)``, ``D_k = y - w``.

    The server moves ``w`` by the plain mean of ``D_k`` and keeps ``c`` the mean of the ``c_k`` it has heard of.
    State: ``base`` is w, ``c``, and ``seen``, the ids of the clients in that mean. A client keeps its ``c_k``.
    """

    base: FedAvg

    def __post_init__(self) -> None:
        plain_rate(self.base.local.optimizer)

    def init(self, seed: int) -> Tree:
        """No corrections yet."""
        base = self.base.init(seed)
        return {"base": base, "c": tree_zeros(base), "seen": torch.zeros(0, dtype=torch.int64)}

    def assign(self, state: Tree, client: Client) -> Tree:
        """The model and the mean correction."""
        return {name: self.base.assign(state[name], client) for name in ("base", "c")}

    def work(self, client: Client, tree: Tree) -> Work:
        """As the base, with as much again to hold and to send for the corrections."""
        work = self.base.work(client, tree["base"])
        return replace(work, upload=tree, memory_bytes=work.memory_bytes + tree_bytes(tree))

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        """Descend the corrected gradient; send how far the model and the correction moved."""
        c = job.tree["c"]
        c_k = joined(tree_zeros(c), common(kept, c))

        def correct(grads: Tree, _params: Tree, _sent: Tree) -> Tree:
            return tree_map(lambda g, mean, own: g + mean - own, grads, c, c_k)

        update = self.base.train(replace(job, tree=job.tree["base"]), data, kept, correct)
        path = steps_of(self.base.local, len(data)) * plain_rate(self.base.local.optimizer)
        change = tree_map(lambda mean, d: -mean - d / path, c, update.tree)
        own = joined(kept, tree_map(torch.add, c_k, change))
        return replace(update, tree={"base": update.tree, "c": change}, kept=own)

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        """``w += mean D_k``; ``c += sum (c_k' - c_k) / N``, after spreading c over the clients that are new."""
        moved = [replace(a, update=replace(a.update, tree=a.update.tree["base"], weight=1.0)) for a in arrivals]
        seen = torch.unique(torch.cat([state["seen"], torch.tensor([a.client.id for a in arrivals])]))
        n, c = len(seen), tree_scale(state["c"], len(state["seen"]) / len(seen))
        for arrival in arrivals:
            c = overlay(c, arrival.update.tree["c"], lambda mean, change: mean + change / n)
        return {"base": self.base.merge(state["base"], moved), "c": c, "seen": seen}

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        """As the base."""
        return self.base.predictor(tree["base"], {}, client)


def plain_rate(optimizer: Optimizer) -> float:
    """The rate of plain SGD; raises InputError for anything else, as K steps would not add up to a mean gradient."""
    if isinstance(optimizer, SGD) and optimizer == SGD(optimizer.lr):
        return optimizer.lr
    raise InputError(f"optimizer={optimizer} must be SGD with a rate alone, or SCAFFOLD's corrections are wrong")
