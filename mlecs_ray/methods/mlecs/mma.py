"""MMA: ML-ECS' modality-aware model aggregation (arXiv 2602.14107).

[paper] Clients weigh by how many modalities they have: ``M_k / sum_j M_j``, as in the published code (``count``).
[ours] Beyond it: lateness discounts, sample counts, the mean over those who hold a module, and merges of adapters of
unequal rank that are exact (``methods/lowrank.py``). ``MMA`` below wraps any method whose updates are differences; the
full system mixes adapters themselves, by the same weights (``methods/mixing.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mlecs_ray.method import Arrival, Client, Job, Method, Predictor, Update, Work, cohort_obstacle, train_together
from mlecs_ray.methods.checks import check_power
from mlecs_ray.methods.mixing import Weighting, check_weighting, weight
from mlecs_ray.methods.staleness import discounted, polynomial
from mlecs_ray.samples import Samples
from mlecs_ray.tree import Tree


@dataclass(frozen=True)
class MMA:
    """``w += sum_k (M_k / sum_j M_j) s(tau_k) D_k``, leaf by leaf over the clients that hold the leaf.

    ``M_k`` is how many modalities client k had in this job (``count``), the weight the base gave its update
    (``samples``), or 1 (``uniform``). ``s(tau) = (1 + tau)^-power`` is ours: it makes a late update smaller, as in
    FedBuff. The base does the averaging: its updates must be differences and its ``merge`` their weighted mean.
    """

    base: Method
    weighting: Weighting = "count"
    power: float = 0.5

    def __post_init__(self) -> None:
        check_weighting(self.weighting)
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
        """The base's merge of discounted updates, weighted by modality."""
        return self.base.merge(
            state, [discounted(a, polynomial(a.staleness, self.power), weight(a, self.weighting)) for a in arrivals]
        )

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        """As the base."""
        return self.base.predictor(tree, kept, client)
