"""What clients hold: columns, and draws on demand."""

from collections import Counter

import numpy as np
import pytest

from mlecs_ray.data.holdings import Dealt, Drawn, dealt, distinct


def drawn(clients: int, size: int, seed: int = 1) -> Drawn:
    """Two kinds: positions 0..5 and 6..9; clients are of both in turn."""
    kinds = np.arange(6, dtype=np.int32), np.arange(6, 10, dtype=np.int32)
    kind = np.arange(clients, dtype=np.int32) % 2
    return Drawn(kinds, kind, np.full(clients, size, dtype=np.int32), 10, seed)


def test_samples_are_sorted_to_their_owners() -> None:
    parts = dealt(np.array([2, 0, 2, 0, 0]), 4)
    assert [part.tolist() for part in parts] == [[1, 3, 4], [], [0, 2], []]
    assert (len(parts), parts.sizes.tolist()) == (4, [3, 0, 2, 0])


def test_a_draw_is_the_same_whenever_and_in_whatever_order_it_is_asked_for() -> None:
    parts = drawn(40, 3)
    backwards = [parts[client].tolist() for client in reversed(range(40))]
    assert [part.tolist() for part in parts] == backwards[::-1]
    assert len({str(part) for part in backwards}) > 10
    assert [part.tolist() for part in drawn(40, 3, seed=2)] != backwards[::-1]


def test_a_draw_is_of_the_clients_own_kind() -> None:
    parts = drawn(40, 3)
    assert all(set(parts[client].tolist()) <= set(range(6)) for client in range(0, 40, 2))
    assert all(set(parts[client].tolist()) <= set(range(6, 10)) for client in range(1, 40, 2))


def test_a_kind_too_small_gives_all_that_it_has_and_is_filled_up_with_others() -> None:
    held = drawn(2, 7)[1].tolist()
    assert (len(set(held)), held) == (7, sorted(held))
    assert set(held) >= set(range(6, 10))


def test_every_set_of_numbers_is_equally_likely() -> None:
    """3 of 5 in 10 ways: 1000 draws each of 10000, with a standard deviation of 30."""
    found = Counter(tuple(distinct(5, 3, seed)) for seed in range(10_000))
    assert len(found) == 10
    assert all(abs(many - 1000) < 120 for many in found.values())


def test_all_numbers_can_be_drawn_and_none_twice() -> None:
    assert distinct(50, 50, 1) == list(range(50))


@pytest.mark.parametrize("parts", [dealt(np.array([0, 1]), 2), drawn(2, 3)])
@pytest.mark.parametrize("client", [-1, 2])
def test_a_client_that_is_not_there_holds_nothing(parts: Dealt | Drawn, client: int) -> None:
    with pytest.raises(IndexError, match=rf"client {client} must lie in 0..1"):
        parts[client]
