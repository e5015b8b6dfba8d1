"""Jobs that were sent to one actor in one call."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from actors.calls import Call, Crew
from actors.client import Answers, Order
from actors.cost import Traffic
from actors.outbox import Errand, flops
from mlecs_ray.events import Train
from mlecs_ray.method import Update
from mlecs_ray.sim.cohorts import Cohort
from mlecs_ray.sim.fleet import untold
from mlecs_ray.wire import Packed, unpack_many


class Sender(Crew, Protocol):
    """Whose jobs they are."""

    traffic: Traffic

    def by_lane(self, host: int, call: Any) -> "asyncio.Future[Any] | None":
        """Send it on the actor's lane: what will come back, None where it broke. None at once if it cannot be sent."""

    def answered(self, host: int, work: float, answers: Answers) -> None:
        """Book what a call has brought."""

    def share(self, packed: Packed) -> Any:
        """As an object of the store where it is large."""


class Training:
    """Cohorts that were sent to one actor in one call."""

    def __init__(self, fleet: Sender, host: int, cohorts: list[Cohort], errands: Mapping[int, Errand]) -> None:
        self._fleet, self._host = fleet, host
        self._work = sum(flops(cohort) for cohort in cohorts)
        self.numbers = [train.number for cohort in cohorts for train in cohort]
        self.together = any(len(cohort) > 1 for cohort in cohorts)
        self._orders, self._objects = _orders(cohorts, errands)
        small = [one for one in self._objects if isinstance(one, bytes)]
        fleet.traffic.sent_bytes += sum(map(len, small))
        all_small = len(small) == len(self._objects)
        self._coming = fleet.by_lane(host, (self._orders, self._objects)) if all_small else None
        self._call: Call | None = None
        if self._coming is None:
            self._call = self._usual()
        else:
            fleet.traffic.calls += 1
            fleet.traffic.direct += 1
        self._landed: dict[int, tuple[Update, Any]] | None = None

    def _usual(self) -> Call:
        self._fleet.traffic.calls += 1
        returns = 1 + len(self.numbers)
        return Call(
            self._fleet,
            self._host,
            lambda actor: actor.train.options(num_returns=returns).remote(self._orders, *self._objects),
        )

    async def landed(self) -> dict[int, tuple[Update, Any]]:
        """Each job's update, and what its client keeps: packed, or a reference to it."""
        answers, kepts = await self._answers()
        if self._landed is None:
            self._fleet.answered(self._host, self._work, answers)
            told = zip(answers.weights, answers.metrics, answers.norms, strict=True)
            updates = [
                Update(tree, weight, {}, metrics, norm)
                for tree, (weight, metrics, norm) in zip(unpack_many(answers.trees), told, strict=True)
            ]
            kept = [kept if keeps else None for kept, keeps in zip(kepts, answers.keeps, strict=True)]
            self._landed = dict(zip(self.numbers, zip(updates, kept, strict=True), strict=True))
        return self._landed

    async def _answers(self) -> tuple[Answers, list[Any]]:
        if self._coming is not None and (back := await self._coming):
            answers, *kepts = back
            return answers, [self._fleet.share(kept) for kept in kepts]
        if self._call is None:
            self._call = self._usual()
        return await self._call.landed()


def _orders(cohorts: list[Cohort], errands: Mapping[int, Errand]) -> tuple[list[list[Order]], list[Any]]:
    """The jobs, and each distinct object that they need, once."""
    objects: dict[Any, int] = {}

    def order(train: Train) -> Order:
        errand, job = errands[train.number], train.job
        payload = objects.setdefault(errand.payload, len(objects))
        kept = objects.setdefault(errand.kept, len(objects))
        return Order(untold(job.client), job.version, job.seed, payload, kept)

    return [[order(train) for train in cohort] for cohort in cohorts], list(objects)
