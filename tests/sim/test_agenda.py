"""Planned moments in columns come in the order in which a heap would give them."""

import heapq
import random

import numpy as np
import pytest

from mlecs_ray.sim import agenda
from mlecs_ray.sim.agenda import Agenda


@pytest.mark.parametrize("near", [1, 3, 1 << 14])
@pytest.mark.parametrize("seed", range(5))
def test_the_order_is_that_of_one_heap(near: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """40 rows with many ties; every row that comes is planned again with chance 0.8, sometimes at once."""
    monkeypatch.setattr(agenda, "NEAR", near)
    chance, rows = random.Random(seed), 40
    moments = np.array([float(chance.randrange(6)) if chance.random() < 0.8 else np.inf for _ in range(rows)])
    planned = Agenda(rows)
    ticket = planned.fill(moments, 5)
    plain = [(moments[row], number, row) for number, row in enumerate(np.flatnonzero(moments < np.inf).tolist(), 5)]
    heapq.heapify(plain)
    while plain:
        assert planned.entries() == sorted(plain)
        assert planned.first() == plain[0]
        assert len(planned) == len(plain)
        moment, _, row = heapq.heappop(plain)
        assert planned.pop()[2] == row
        if chance.random() < 0.8 and ticket < 300:
            after = moment + chance.randrange(4)
            planned.set(row, after, ticket)
            heapq.heappush(plain, (after, ticket, row))
            ticket += 1
    assert (planned.first(), len(planned), planned.entries()) == (None, 0, [])


def test_an_empty_agenda_has_nothing_to_pop() -> None:
    with pytest.raises(IndexError):
        Agenda(3).pop()


def test_it_can_be_filled_again_when_it_is_empty() -> None:
    planned = Agenda(2)
    planned.fill(np.array([5.0, np.inf]), 0)
    planned.pop()
    assert planned.fill(np.array([2.0, np.inf]), 1) == 2
    planned.set(1, 3.0, 2)
    assert [planned.pop() for _ in range(len(planned))] == [(2.0, 1, 0), (3.0, 2, 1)]
