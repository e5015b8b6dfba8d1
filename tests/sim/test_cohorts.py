"""Cohorts close when they are full, or when the clock comes to one of their jobs."""

import pytest
import torch

from mlecs_ray.events import Train
from mlecs_ray.method import Client, Job, Update, Work
from mlecs_ray.sim.cohorts import Cohorts, within
from mlecs_ray.sim.fleet import LocalFleet
from mlecs_ray.sim.worker import Worker
from tests.server.fakes import BUDGET, Herd, Pile


def train(number: int, structure: str = "", modalities: tuple[str, ...] = ("x",), width: int = 2, tells=False) -> Train:
    client = Client(number, frozenset(modalities), BUDGET, "edge", 10, structure)
    return Train(number, Job(client, 0, number, {"w": torch.zeros(width)}), Work(1.0, {}, 10.0, tells=tells))


def numbers(cohort: list[Train] | None) -> list[int] | None:
    return None if cohort is None else [one.number for one in cohort]


def test_by_default_everyone_trains_alone():
    assert numbers(Cohorts().add(train(1))) == [1]


def test_a_cohort_closes_when_it_is_full():
    cohorts = Cohorts(lambda _: 3)
    assert [numbers(cohorts.add(train(n))) for n in range(1, 6)] == [None, None, [1, 2, 3], None, None]
    assert [numbers(cohort) for cohort in cohorts.close()] == [[4, 5]]
    assert cohorts.close() == []


@pytest.mark.parametrize("other", [{"structure": "small"}, {"modalities": ("x", "y")}, {"width": 3}, {"tells": True}])
def test_only_what_is_alike_trains_together(other):
    cohorts = Cohorts(lambda _: 2)
    assert cohorts.add(train(1)) is None
    assert cohorts.add(train(2, **other)) is None
    assert numbers(cohorts.add(train(3))) == [1, 3]
    assert [numbers(cohort) for cohort in cohorts.close()] == [[2]]


def test_memory_bounds_a_cohort_and_what_is_shared_counts_once():
    """40 shared of 50: the first needs 50, each further one 10, so 100 bytes hold 6."""
    job = train(1)._replace(work=Work(1.0, {}, 50.0, 40.0))
    assert [within(most, 100.0)(job) for most in (4, 6, 99)] == [4, 6, 6]
    assert within(99, 5.0)(job) == 1


def test_a_job_is_trained_when_it_is_awaited_with_those_that_started_by_then():
    trained: list[list[int]] = []

    class Watching(Worker):
        def train_many(self, jobs, kepts):
            trained.append([job.seed for job in jobs])
            return super().train_many(jobs, kepts)

    fleet = LocalFleet(Watching(Herd(), Pile()), Cohorts(lambda _: 2))
    for number in (1, 2, 3):
        fleet.train(train(number))
    assert trained == []
    assert isinstance(fleet.answer(3), Update)
    fleet.train(train(4))
    fleet.answer(1)
    assert trained == [[3], [1, 2]]
    fleet.answer(2), fleet.answer(4)
    assert trained == [[3], [1, 2], [4]]
