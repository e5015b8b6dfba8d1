"""Columns of draws, number for number those of one client after the other."""

from collections import Counter

import numpy as np
import pytest

from mlecs_ray.seeds import derive, uniform
from mlecs_ray.streams import derived, orders, uniforms

CLIENTS = np.array([0, 1, 7, 999_999, 2**40], dtype=np.uint64)


@pytest.mark.parametrize("seed", [0, 3, 2**63 - 1, -5])
def test_a_column_holds_what_each_client_would_draw(seed: int) -> None:
    clients = CLIENTS.tolist()
    assert uniforms(seed, "a", CLIENTS, 4).tolist() == [uniform(seed, "a", client, 4) for client in clients]
    assert derived(seed, CLIENTS, "b").tolist() == [derive(seed, client, "b") for client in clients]


def test_seeds_and_keys_may_both_be_columns() -> None:
    """As intervals are drawn: a stream for each client, and then a number of it."""
    streams = derived(1, "interval", CLIENTS)
    expected = [uniform(derive(1, "interval", client), 2) for client in CLIENTS.tolist()]
    assert uniforms(streams, 2).tolist() == expected


def test_an_order_holds_everyone_once_and_does_not_depend_on_who_else_is_asked():
    seeds, sizes = [5, 2**63 - 1, 5, 0], [7, 40, 40, 1]
    together = orders(seeds, sizes)
    for order, seed, size in zip(together, seeds, sizes, strict=True):
        assert sorted(order.tolist()) == list(range(size))
        assert order.tolist() == orders([seed], [size])[0].tolist()
    assert orders([], []) == []


def test_every_order_is_as_likely():
    """6,000 orders of three: each of the six 1,000 times, with a standard deviation of 29."""
    seen = Counter(tuple(order.tolist()) for order in orders(range(6000), [3] * 6000))
    assert len(seen) == 6
    assert all(abs(n - 1000) < 120 for n in seen.values())
