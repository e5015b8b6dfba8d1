"""Who owns what."""

from collections.abc import Callable

import numpy as np
import pytest

from mlecs_ray import seeds
from mlecs_ray.data import partition
from mlecs_ray.data.holdings import Drawn, Partition
from mlecs_ray.data.partition import Holding
from mlecs_ray.errors import InputError

LABELS = np.repeat(np.arange(10), 60)
DOMAINS = [f"domain {i}" for i in np.repeat(np.arange(6), [300, 100, 80, 60, 40, 20])]

WAYS: dict[str, Callable[[int, int, Holding | None], Partition]] = {
    "iid": lambda clients, seed, holding: partition.iid(600, clients, seed, holding),
    "quantity": lambda clients, seed, holding: partition.by_quantity(600, clients, 1.5, seed, holding),
    "dirichlet": lambda clients, seed, holding: partition.dirichlet(LABELS, clients, 0.1, seed, holding),
    "domain": lambda clients, seed, holding: partition.by_domain(DOMAINS, clients, seed, holding),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("clients", [1, 4, 100, 300])
def test_every_sample_has_one_owner_and_every_client_the_minimum(way: str, clients: int) -> None:
    parts = WAYS[way](clients, 1, Holding(minimum=2))
    assert len(parts) == clients
    assert min(map(len, parts)) >= 2
    assert sorted(np.concatenate(parts).tolist()) == list(range(600))


@pytest.mark.parametrize("way", WAYS)
def test_the_seed_alone_decides(way: str) -> None:
    first, again, other = (WAYS[way](20, seed, None) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("way", WAYS)
def test_more_clients_than_samples_are_refused_by_their_numbers(way: str) -> None:
    with pytest.raises(InputError, match=r"clients=2000 with at least 1 samples each need 2000, but there are 600"):
        WAYS[way](2000, 1, None)


@pytest.mark.parametrize("way", ["iid", "dirichlet", "domain"])
def test_shared_samples_feed_more_clients_than_there_are_samples(way: str) -> None:
    parts = WAYS[way](2000, 1, Holding(per_client=15))
    assert len(parts) == 2000
    assert all(len(part) == len(set(part.tolist())) == 15 for part in parts)


def test_shared_quantities_are_right_on_average() -> None:
    parts = partition.by_quantity(600, 500, 0.5, 1, Holding(per_client=20))
    assert np.mean([len(part) for part in parts]) == pytest.approx(20, abs=0.5)


def test_iid_parts_differ_by_one_at_most() -> None:
    assert sorted({len(part) for part in partition.iid(100, 7, 1)}) == [14, 15]


def test_quantities_follow_the_log_normal_law() -> None:
    """log(sizes) of a log-normal law with sigma 1 have standard deviation 1; rounding moves it little at 1000 each."""
    sizes = np.array([len(part) for part in partition.by_quantity(400_000, 400, 1.0, 1)])
    assert np.log(sizes).std() == pytest.approx(1.0, abs=0.1)


def _labels_per_client(parts: Partition) -> float:
    return float(np.mean([len(set(LABELS[part].tolist())) for part in parts]))


@pytest.mark.parametrize("holding", [None, Holding(per_client=30)])
def test_a_smaller_alpha_gives_fewer_labels_per_client(holding: Holding | None) -> None:
    few, some, all_ = (_labels_per_client(partition.dirichlet(LABELS, 20, a, 1, holding)) for a in (0.05, 0.5, 100))
    assert few < some < all_
    assert few < 4
    assert all_ > 9


def test_shared_mixtures_follow_the_law_and_not_the_size_of_a_class() -> None:
    """With a large alpha each class has half of each client, though one class has nine times the samples."""
    labels = np.repeat([0, 1], [900, 100])
    parts = partition.dirichlet(labels, 300, 1e6, 1, Holding(per_client=20))
    assert np.mean([labels[part].mean() for part in parts]) == pytest.approx(0.5, abs=0.03)


def test_more_clients_than_domains_have_one_domain_each() -> None:
    parts = partition.by_domain(DOMAINS, 60, 1)
    assert all(len({DOMAINS[i] for i in part}) == 1 for part in parts)


def test_fewer_clients_than_domains_share_the_load() -> None:
    """300 | 100 80 60 40 20: the largest first, each to whoever holds least, gives 300 and 300."""
    parts = partition.by_domain(DOMAINS, 2, 1)
    assert [len(part) for part in parts] == [300, 300]
    assert {DOMAINS[i] for i in parts[0]}.isdisjoint({DOMAINS[i] for i in parts[1]})


def test_a_domain_too_small_for_its_share_is_filled_up() -> None:
    parts = partition.by_domain(DOMAINS, 6, 1, Holding(per_client=25))
    assert all(len(part) == 25 for part in parts)
    assert sum(DOMAINS[i] == "domain 5" for i in parts[5]) == 20


@pytest.mark.parametrize("alpha", [0, -1, float("nan"), float("inf")])
def test_an_alpha_that_is_no_mixture_is_refused(alpha: float) -> None:
    with pytest.raises(InputError, match="alpha="):
        partition.dirichlet(LABELS, 4, alpha, 1)


def test_a_spread_that_means_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="sigma=-1"):
        partition.by_quantity(600, 4, -1, 1)


def test_holding_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="minimum=0"):
        Holding(minimum=0)
    with pytest.raises(InputError, match="per_client=700 must be at most the 600"):
        partition.iid(600, 4, 1, Holding(per_client=700))
    with pytest.raises(InputError, match="clients=0"):
        partition.iid(600, 0, 1)


@pytest.mark.parametrize("alpha", [0.05, 1.0, 1e6])
def test_shared_mixtures_are_those_of_numpys_own_choice(alpha: float) -> None:
    """Against ``rng.choice`` for one client after the other."""
    rng = seeds.generator(7, "partition", "dirichlet")
    expected = []
    for mixture in rng.dirichlet(np.full(10, alpha), 120):
        odds = (mixture / 60)[LABELS]
        odds = odds / odds.sum() + 1e-9
        expected.append(sorted(rng.choice(600, 25, replace=False, p=odds / odds.sum()).tolist()))
    parts = partition.dirichlet(LABELS, 120, alpha, 7, Holding(per_client=25))
    assert [part.tolist() for part in parts] == expected


@pytest.mark.parametrize("minimum", [1, 3, 5])
def test_whoever_holds_most_gives_its_last_sample_to_those_below_the_minimum(minimum: int) -> None:
    """Against lists of which the longest is popped, and against all 600 samples at their first owners."""
    first = partition.dirichlet(LABELS, 120, 0.05, 3, Holding(minimum=1))
    assert min(first.sizes) == 1
    owner = np.concatenate([np.full(len(part), client) for client, part in enumerate(first)])
    owner = owner[np.argsort(np.concatenate(list(first)))]
    lists = [np.flatnonzero(owner == client).tolist() for client in range(120)]
    for held in lists:
        while len(held) < minimum:
            held.append(max(lists, key=len).pop())
    raised = partition._raised(owner, 120, minimum)
    assert [part.tolist() for part in raised] == [sorted(held) for held in lists]


def test_a_million_clients_that_draw_evenly_take_a_few_bytes_each() -> None:
    """Two columns of 4 bytes; no sample is drawn before someone asks."""
    parts = partition.iid(600, 1_000_000, 1, Holding(per_client=8))
    assert isinstance(parts, Drawn)
    assert parts.kind.nbytes + parts.sizes.nbytes == 8_000_000
    assert len(set(parts[999_999].tolist())) == 8
