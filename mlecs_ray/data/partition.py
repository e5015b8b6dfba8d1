"""Who owns which samples: the training set dealt to clients, by label, domain or quantity, from one seed.

Two ways, chosen by ``Holding``. Dealt (the default): each sample has one owner. Shared (``per_client`` set): each
client draws that many samples of its own kind, so that few samples can feed many clients; a sample may then be
held by several clients, but never twice by one.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlecs_ray import seeds
from mlecs_ray.data.holdings import Dealt, Drawn, Partition, dealt
from mlecs_ray.errors import InputError

Positions = NDArray[np.int64]
_CELLS = 1 << 16
"""Odds that are worked out at once: as many as stay in a processor's cache."""


@dataclass(frozen=True)
class Holding:
    """How many samples a client holds."""

    minimum: int = 1
    per_client: int | None = None
    """A number: samples are shared, and this is how many each client holds (``by_quantity``: on average)."""

    def __post_init__(self) -> None:
        if self.minimum < 1 or (self.per_client is not None and self.per_client < self.minimum):
            raise InputError(
                f"minimum={self.minimum} must be at least 1 and at most per_client={self.per_client}, "
                "or a client would hold nothing to learn from"
            )


def iid(n: int, clients: int, seed: int, holding: Holding | None = None) -> Partition:
    """Equal parts (they differ by one at most) of a shuffled set."""
    return by_quantity(n, clients, 0.0, seed, holding)


def by_quantity(n: int, clients: int, sigma: float, seed: int, holding: Holding | None = None) -> Partition:
    """Parts whose sizes follow a log-normal law: exp(sigma z), z standard normal; samples are drawn evenly."""
    holding = _feasible(n, clients, holding)
    _nonnegative("sigma", sigma)
    rng = seeds.generator(seed, "partition", "quantity")
    weights = np.exp(sigma * rng.standard_normal(clients))
    if holding.per_client is not None:
        wanted = np.rint(holding.per_client * weights / weights.mean())
        sizes = np.clip(wanted, holding.minimum, n).astype(np.int32)
        everything, alike = np.arange(n, dtype=np.int32), np.zeros(clients, dtype=np.int32)
        return Drawn((everything,), alike, sizes, n, seeds.derive(seed, "partition", "quantity"))
    sizes = holding.minimum + _apportion(n - clients * holding.minimum, weights)
    owner = np.empty(n, dtype=np.int64)
    owner[rng.permutation(n)] = np.repeat(np.arange(clients), sizes)
    return dealt(owner, clients)


def dirichlet(
    labels: Sequence[int] | Positions, clients: int, alpha: float, seed: int, holding: Holding | None = None
) -> Partition:
    """Label skew: small ``alpha`` gives each client few labels, large ``alpha`` gives all the same mixture.

    Dealt: each label's samples go to the clients in shares drawn from Dir(alpha) (Yurochkin et al., arXiv 1905.12022);
    then the largest holders give to those below the minimum. Shared: each client's label mixture is drawn from
    Dir(alpha) (Hsu et al., arXiv 1909.06335).
    """
    kinds = np.asarray(labels)
    holding = _feasible(len(kinds), clients, holding)
    if not (np.isfinite(alpha) and alpha > 0):
        raise InputError(f"alpha={alpha} must be a number above 0, or there is no mixture to draw from")
    rng = seeds.generator(seed, "partition", "dirichlet")
    classes, kind, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    if holding.per_client is not None:
        mixtures = rng.dirichlet(np.full(len(classes), alpha), clients)
        return _mixed(rng, mixtures / counts, kind, holding.per_client)
    owner = np.empty(len(kinds), dtype=np.int64)
    for label in range(len(classes)):
        members = rng.permutation(np.flatnonzero(kind == label))
        shares = rng.dirichlet(np.full(clients, alpha))
        owner[members] = np.repeat(np.arange(clients), _apportion(len(members), shares))
    return _raised(owner, clients, holding.minimum)


def by_domain(domains: Sequence[str], clients: int, seed: int, holding: Holding | None = None) -> Partition:
    """Clients of one domain each (a category, a language, a person); of several where there are fewer clients.

    With more clients than domains, a domain's samples are dealt among clients in proportion to its size.
    """
    holding = _feasible(len(domains), clients, holding)
    rng = seeds.generator(seed, "partition", "domain")
    _, kind, counts = np.unique(np.asarray(domains), return_inverse=True, return_counts=True)
    if len(counts) > clients:
        home, hosts = _pack(counts, clients)[kind], np.ones(clients, dtype=np.int64)
    else:
        home, hosts = kind, 1 + _apportion(clients - len(counts), counts.astype(float))
    if holding.per_client is not None:
        kinds = tuple(part for part in dealt(home, len(hosts)))
        alike = np.repeat(np.arange(len(hosts), dtype=np.int32), hosts)
        sizes = np.full(clients, holding.per_client, dtype=np.int32)
        return Drawn(kinds, alike, sizes, len(domains), seeds.derive(seed, "partition", "domain"))
    if len(counts) <= clients:
        home = _among(rng, home, hosts)
    return _raised(home, clients, holding.minimum)


def _feasible(n: int, clients: int, holding: Holding | None) -> Holding:
    holding = holding or Holding()
    if clients < 1 or n < 1:
        raise InputError(f"clients={clients} and samples={n} must both be at least 1, or nobody learns")
    if holding.per_client is not None and holding.per_client > n:
        raise InputError(
            f"per_client={holding.per_client} must be at most the {n} samples there are, as none is held twice"
        )
    if holding.per_client is None and clients * holding.minimum > n:
        raise InputError(
            f"clients={clients} with at least {holding.minimum} samples each need {clients * holding.minimum}, but "
            f"there are {n}, so some shards would be empty or too small: take fewer clients, or share them (per_client)"
        )
    return holding


def _nonnegative(name: str, value: float) -> None:
    if not (np.isfinite(value) and value >= 0):
        raise InputError(f"{name}={value} must be a finite number of at least 0, or the sizes mean nothing")


def _apportion(total: int, weights: NDArray[Any]) -> Positions:
    """Whole numbers that add up to ``total``, in proportion to ``weights`` (largest remainders)."""
    exact = total * weights / weights.sum()
    whole: Positions = np.floor(exact).astype(np.int64)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def _mixed(rng: np.random.Generator, rates: NDArray[Any], kind: Positions, size: int) -> Dealt:
    """Each client draws ``size`` samples; ``rates`` is (clients, kinds): the weight of one sample of a kind."""
    flat = np.empty((len(rates), size), dtype=np.int32)
    rows = max(1, _CELLS // len(kind))
    for start in range(0, len(rates), rows):
        weights = rates[start : start + rows][:, kind]
        # A touch of weight for all: a client whose kind is too rare is filled up with others, and always gets `size`.
        odds = weights / weights.sum(1, keepdims=True) + 1e-9
        odds /= odds.sum(1, keepdims=True)
        steps = _steps(odds)
        for row in range(len(odds)):
            flat[start + row] = _picks(rng, odds[row], steps[row], size)
    return Dealt(flat.reshape(-1), np.arange(len(rates) + 1, dtype=np.int64) * size)


def _steps(odds: NDArray[Any]) -> NDArray[Any]:
    steps = np.cumsum(odds, axis=-1)
    steps /= steps[..., -1:]
    return steps


def _picks(rng: np.random.Generator, odds: NDArray[Any], steps: NDArray[Any], size: int) -> list[int]:
    """``sorted(rng.choice(len(odds), size, replace=False, p=odds))``, without its checks of ``odds``."""
    found: dict[int, None] = {}
    while len(found) < size:
        if found:
            odds[list(found)] = 0
            steps = _steps(odds)
        found.update(dict.fromkeys(steps.searchsorted(rng.random(size - len(found)), side="right").tolist()))
    return sorted(found)


def _pack(counts: Positions, clients: int) -> Positions:
    """A client for each domain: the largest first, each to the client that holds least."""
    home = np.empty(len(counts), dtype=np.int64)
    loads = [(0, client) for client in range(clients)]
    for domain in np.argsort(-counts, kind="stable").tolist():
        load, home[domain] = loads[0]
        heapq.heapreplace(loads, (load + int(counts[domain]), int(home[domain])))
    return home


def _among(rng: np.random.Generator, kind: Positions, hosts: Positions) -> Positions:
    """The owner of each sample, where ``hosts[k]`` clients share kind k evenly; a kind has neighbours."""
    owner, first = np.empty(len(kind), dtype=np.int64), 0
    for place, members in enumerate(dealt(kind, len(hosts))):
        many = int(hosts[place])
        shares = _apportion(len(members), np.ones(many))
        owner[rng.permutation(members)] = first + np.repeat(np.arange(many), shares)
        first += many
    return owner


def _raised(owner: Positions, clients: int, minimum: int) -> Dealt:
    """The partition, after the largest holders have given their last samples to those below the minimum."""
    parts, owner = dealt(owner, clients), owner.copy()
    rich = [(-size, client) for client, size in enumerate(parts.sizes.tolist()) if size > minimum]
    heapq.heapify(rich)
    for poor in np.flatnonzero(parts.sizes < minimum).tolist():
        for _ in range(minimum - int(parts.sizes[poor])):
            less, donor = rich[0]
            owner[parts[donor][-less - 1]] = poor
            heapq.heapreplace(rich, (less + 1, donor))
    return dealt(owner, clients)
