"""FedBuff: a buffered server step, discounted by staleness (arXiv 2106.06639)."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlecs_ray.method import Arrival, Client, Job, Method, Predictor, Update, Work, cohort_obstacle, train_together
from mlecs_ray.methods.checks import check_power, check_rate
from mlecs_ray.methods.staleness import discounted, polynomial
from mlecs_ray.samples import Samples
from mlecs_ray.tree import Tree


@dataclass(frozen=True)
class FedBuff:
    """Every K arrivals ``w += lr 1/K sum_k s(tau_k) D_k``, ``s(tau) = (1 + tau)^-power``; K is the schedule's buffer.

    Where clients hold parts of the model, K counts leaf by leaf the arrivals that hold the leaf. The base does the
    averaging, with equal weights, so its updates must be differences and its ``merge`` their weighted mean.
    """

    base: Method
    lr: float = 1.0
    power: float = 0.5

    def __post_init__(self) -> None:
        check_rate("lr", self.lr)
        check_power(self.power)

    def init(self, seed: int) -> Tree:
        """As the base."""
        return self.base.init(seed)

    def assign(self, state: Tree, client: Client) -> Tree:
        """As the base."""
        return self.base.assign(state, client)

    def work(self, client: Client, tree: Tree) -> Work:
        """As the base."""
        return self.base.work(client, tree)

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        """As the base."""
        return self.base.train(job, data, kept)

    def train_many(self, jobs: Sequence[Job], datas: Sequence[Samples], kepts: Sequence[Tree]) -> Sequence[Update]:
        """As the base."""
        return train_together(self.base, jobs, datas, kepts)

    def obstacle(self) -> str | None:
        """As the base."""
        return cohort_obstacle(self.base)

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        """The base's merge of discounted updates that weigh the same."""
        return self.base.merge(
            state, [discounted(a, self.lr * polynomial(a.staleness, self.power), weight=1.0) for a in arrivals]
        )

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        """As the base."""
        return self.base.predictor(tree, kept, client)
