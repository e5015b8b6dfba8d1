"""FedAsync: every arrival is mixed in at once, the later the less (arXiv 1903.03934)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from torch import Tensor

from mlecs_ray.method import Arrival, Client, Job, Method, Predictor, Update, Work, cohort_obstacle, train_together
from mlecs_ray.methods.checks import check
from mlecs_ray.methods.parts import moved
from mlecs_ray.methods.staleness import Staleness, hinge, polynomial
from mlecs_ray.samples import Samples
from mlecs_ray.tree import Tree, overlay


@dataclass(frozen=True)
class FedAsync:
    """``a_t = alpha s(tau); w <- (1 - a_t) w + a_t w_k``, arrival by arrival, over the leaves that client k holds.

    ``s`` is 1 (constant), ``(tau + 1)^-a`` (polynomial) or ``1 if tau <= b else 1 / (a (tau - b) + 1)`` (hinge;
    the paper has a = 10, b = 4). Clients upload their weights ``w_k``, not differences, so the base's updates must
    be differences to what it was sent, and its state the parameters themselves. Meant for ``buffer=1``.
    """

    base: Method
    alpha: float = 0.6
    staleness: Staleness = "polynomial"
    a: float = 0.5
    b: float = 4.0

    def __post_init__(self) -> None:
        check(0 < self.alpha <= 1, f"alpha={self.alpha} must lie in (0, 1], or the mix is none")
        check(
            self.staleness in get_args(Staleness),
            f"staleness={self.staleness!r} must be one of {get_args(Staleness)}, or lateness has no price",
        )
        for name in ("a", "b"):
            value = getattr(self, name)
            check(value >= 0, f"{name}={value} must be 0 or above, or late updates would count more than fresh ones")

    def discount(self, staleness: int) -> float:
        """``s(tau)``."""
        if self.staleness == "constant":
            return 1.0
        return polynomial(staleness, self.a) if self.staleness == "polynomial" else hinge(staleness, self.a, self.b)

    def init(self, seed: int) -> Tree:
        """As the base."""
        return self.base.init(seed)

    def assign(self, state: Tree, client: Client) -> Tree:
        """As the base."""
        return self.base.assign(state, client)

    def work(self, client: Client, tree: Tree) -> Work:
        """As the base: weights have the shapes of differences."""
        return self.base.work(client, tree)

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        """As the base, but the weights go up."""
        return moved(job, self.base.train(job, data, kept))

    def train_many(self, jobs: Sequence[Job], datas: Sequence[Samples], kepts: Sequence[Tree]) -> Sequence[Update]:
        """The same for a cohort."""
        return [moved(*pair) for pair in zip(jobs, train_together(self.base, jobs, datas, kepts), strict=True)]

    def obstacle(self) -> str | None:
        """As the base."""
        return cohort_obstacle(self.base)

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        """Mix the arrivals in, in their order."""
        for arrival in arrivals:
            state = self._mixed(state, arrival)
        return state

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        """As the base."""
        return self.base.predictor(tree, kept, client)

    def _mixed(self, state: Tree, arrival: Arrival) -> Tree:
        share = self.alpha * self.discount(arrival.staleness)

        def mix(old: Tensor, new: Tensor) -> Tensor:
            return (1 - share) * old + share * new

        return overlay(state, arrival.update.tree, mix)
