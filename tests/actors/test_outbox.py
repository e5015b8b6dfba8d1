"""Small jobs share a call, large ones go at once, and whoever has least to do gets the next."""

import torch

from actors.outbox import Outbox
from mlecs_ray.events import Train
from mlecs_ray.method import Client, Job, Work
from tests.server.fakes import BUDGET


def cohort(*numbers: int, flops: float = 1.0) -> list[Train]:
    client = Client(0, frozenset({"x"}), BUDGET, "edge", 10)
    return [Train(n, Job(client, 0, n, {"w": torch.zeros(1)}), Work(flops, {}, 1.0)) for n in numbers]


def sent(outbox: Outbox) -> dict[int, list[list[int]]]:
    taken = outbox.take([None] * len(outbox.ready))
    return {host: [[train.number for train in one] for one in cohorts] for host, cohorts in taken.items()}


def test_what_is_ready_is_spread_over_the_hosts():
    outbox = Outbox(2)
    for number in range(1, 6):
        outbox.add(cohort(number))
    assert sent(outbox) == {0: [[1], [3], [5]], 1: [[2], [4]]}
    assert outbox.ready == []


def test_a_cohort_stays_together_and_counts_as_its_jobs():
    outbox = Outbox(2)
    outbox.add(cohort(1, 2, 3))
    outbox.add(cohort(4))
    outbox.add(cohort(5))
    assert sent(outbox) == {0: [[1, 2, 3]], 1: [[4], [5]]}


def test_a_host_with_less_to_do_is_next():
    """Host 0 has 5 FLOPs on its way, host 1 has 2: until host 0 answers, host 1 gets the next three."""
    outbox = Outbox(2)
    outbox.add(cohort(1, flops=5.0))
    outbox.add(cohort(2, flops=2.0))
    assert sent(outbox) == {0: [[1]], 1: [[2]]}
    for number in (3, 4, 5):
        outbox.add(cohort(number))
    assert sent(outbox) == {1: [[3], [4], [5]]}
    outbox.answered(0, 5.0, 1.0)
    outbox.add(cohort(6))
    assert sent(outbox) == {0: [[6]]}


def test_a_host_of_ones_own_is_kept():
    outbox = Outbox(2)
    outbox.add(cohort(1))
    outbox.add(cohort(2))
    assert outbox.take([1, 1]).keys() == {1}


def test_it_is_full_at_fifty_milliseconds_for_every_host():
    """A call of 10 FLOPs took 0.1 s: at 0.01 s per FLOP two hosts want 0.1 s of work, which is 10 FLOPs."""
    outbox = Outbox(2)
    outbox.add(cohort(1, flops=1e9))
    assert not outbox.full
    sent(outbox)
    outbox.answered(0, 10.0, 0.1)
    outbox.add(cohort(2, flops=9.5))
    assert not outbox.full
    outbox.add(cohort(3, flops=0.5))
    assert outbox.full


def test_a_slow_first_call_does_not_make_later_jobs_look_large():
    """The first call took 1 s for 10 FLOPs as its actor warmed up, the next 0.01 s: 10 FLOPs are no call's worth."""
    outbox = Outbox(1)
    outbox.answered(0, 10.0, 1.0)
    outbox.answered(0, 10.0, 0.01)
    outbox.add(cohort(1, flops=10.0))
    assert not outbox.full
    outbox.answered(0, 10.0, 1.0)
    assert not outbox.full
