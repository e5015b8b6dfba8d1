"""FedProx: FedAvg with a leash on local training (arXiv 1812.06127)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mlecs_ray.method import Arrival, Client, Job, Predictor, Update, Work
from mlecs_ray.methods.checks import check
from mlecs_ray.methods.fedavg import FedAvg
from mlecs_ray.samples import Samples
from mlecs_ray.tree import Tree, tree_map


@dataclass(frozen=True)
class FedProx:
    """Clients minimise ``F_k(w) + mu/2 ||w - w_t||^2``, w_t being what they were sent; ``mu`` 0 is FedAvg."""

    base: FedAvg
    mu: float

    def __post_init__(self) -> None:
        check(0 <= self.mu < math.inf, f"mu={self.mu} must be 0 or above, or clients are pushed off the model")

    def init(self, seed: int) -> Tree:
        """As the base."""
        return self.base.init(seed)

    def assign(self, state: Tree, client: Client) -> Tree:
        """As the base."""
        return self.base.assign(state, client)

    def work(self, client: Client, tree: Tree) -> Work:
        """As the base: the pull costs nothing beside a forward and a backward pass."""
        return self.base.work(client, tree)

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        """As the base, with the gradient of the proximal term added: ``g + mu (w - w_t)``."""
        return self.base.train(job, data, kept, self._pull)

    def train_many(self, jobs: Sequence[Job], datas: Sequence[Samples], kepts: Sequence[Tree]) -> Sequence[Update]:
        """The same for a cohort."""
        return self.base.train_many(jobs, datas, kepts, self._pull)

    def obstacle(self) -> str | None:
        """As the base."""
        return self.base.obstacle()

    def _pull(self, grads: Tree, params: Tree, sent: Tree) -> Tree:
        return tree_map(lambda g, w, sent: g + self.mu * (w - sent), grads, params, sent)

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        """As the base."""
        return self.base.merge(state, arrivals)

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        """As the base."""
        return self.base.predictor(tree, kept, client)
