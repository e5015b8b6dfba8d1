"""Who is next: pools of idle clients, each with its own rule."""

import heapq
from array import array
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from mlecs_ray import seeds
from mlecs_ray.server.schedule import Selection
from mlecs_ray.streams import uniforms


class Pool(Protocol):
    """Idle clients. Adding one that is there, or removing one that is not, changes nothing."""

    def add(self, client: int) -> None:
        """The client may be picked."""

    def extend(self, clients: Sequence[int]) -> None:
        """Add them in this order, a fleet as fast as it can be."""

    def remove(self, client: int) -> None:
        """The client may not be picked any more."""

    def pick(self) -> int | None:
        """Take one client out; None when there is none."""

    def learn(self, client: int, seconds: float, metrics: dict[str, float] | None) -> None:
        """A job of this client ended after ``seconds``; ``metrics`` is None when it was lost."""

    def __len__(self) -> int:
        """How many are idle."""

    def freeze(self) -> dict[str, Any]:
        """All of its state, as JSON values."""

    def thaw(self, frozen: dict[str, Any]) -> None:
        """Take up what ``freeze`` gave."""


class FifoPool:
    """Whoever has waited longest."""

    def __init__(self) -> None:
        self._waiting: dict[int, None] = {}

    def add(self, client: int) -> None:
        self._waiting.setdefault(client)

    def extend(self, clients: Sequence[int]) -> None:
        # Whoever waits already keeps the place that it has.
        self._waiting.update(dict.fromkeys(clients))

    def remove(self, client: int) -> None:
        self._waiting.pop(client, None)

    def pick(self) -> int | None:
        if not self._waiting:
            return None
        client = next(iter(self._waiting))
        del self._waiting[client]
        return client

    def learn(self, client: int, seconds: float, metrics: dict[str, float] | None) -> None:
        """Order of waiting is all that counts here."""

    def __len__(self) -> int:
        return len(self._waiting)

    def freeze(self) -> dict[str, Any]:
        return {"waiting": list(self._waiting)}

    def thaw(self, frozen: dict[str, Any]) -> None:
        self._waiting = dict.fromkeys(frozen["waiting"])


class RandomPool:
    """Uniformly at random; adding, removing and picking take constant time."""

    def __init__(self, count: int, seed: int) -> None:
        self._seed = seed
        self._draws = 0
        self._idle = array("i")
        self._place = array("i", [-1]) * count

    def add(self, client: int) -> None:
        if self._place[client] < 0:
            self._place[client] = len(self._idle)
            self._idle.append(client)

    def extend(self, clients: Sequence[int]) -> None:
        place = np.frombuffer(self._place, np.int32)
        new = np.fromiter(dict.fromkeys(clients), np.int32)
        new = new[place[new] < 0]
        place[new] = np.arange(len(self._idle), len(self._idle) + len(new))
        self._idle.frombytes(new.tobytes())

    def remove(self, client: int) -> None:
        place = self._place[client]
        if place < 0:
            return
        last = self._idle.pop()
        if last != client:
            self._idle[place] = last
            self._place[last] = place
        self._place[client] = -1

    def pick(self) -> int | None:
        if not self._idle:
            return None
        self._draws += 1
        client = self._idle[int(seeds.uniform(self._seed, self._draws, "pick") * len(self._idle))]
        self.remove(client)
        return client

    def learn(self, client: int, seconds: float, metrics: dict[str, float] | None) -> None:
        """Chance remembers nothing."""

    def __len__(self) -> int:
        return len(self._idle)

    def freeze(self) -> dict[str, Any]:
        return {"idle": self._idle.tolist(), "draws": self._draws}

    def thaw(self, frozen: dict[str, Any]) -> None:
        for client in self._idle:
            self._place[client] = -1
        self._idle, self._draws = array("i"), frozen["draws"]
        self.extend(frozen["idle"])


class RankedPool:
    """The highest score first; equal scores by a draw of their own, so nobody wins by a low number.

    Scores change only by ``learn``, so a heap with stale entries skipped is exact.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._ticket = 0
        self._heap: list[tuple[float, float, int, int]] = []
        self._live: dict[int, int] = {}
        self.scores: dict[int, float] = {}

    def add(self, client: int) -> None:
        if client in self._live:
            return
        self._ticket += 1
        self._live[client] = self._ticket
        draw = seeds.uniform(self._seed, client, self._ticket, "rank")
        heapq.heappush(self._heap, (-self.scores.get(client, 0.0), draw, self._ticket, client))
        if len(self._heap) > 2 * len(self._live) + 64:
            # Clients that come and go and are never picked leave their old entries behind.
            self._heap = [entry for entry in self._heap if self._live.get(entry[3]) == entry[2]]
            heapq.heapify(self._heap)

    def extend(self, clients: Sequence[int]) -> None:
        new = [client for client in dict.fromkeys(clients) if client not in self._live]
        tickets = range(self._ticket + 1, self._ticket + 1 + len(new))
        self._ticket += len(new)
        self._live.update(zip(new, tickets, strict=True))
        draws = uniforms(self._seed, np.array(new, np.uint64), np.array(tickets, np.uint64), "rank").tolist()
        self._heap += zip((-self.scores.get(client, 0.0) for client in new), draws, tickets, new, strict=True)
        heapq.heapify(self._heap)

    def remove(self, client: int) -> None:
        self._live.pop(client, None)

    def pick(self) -> int | None:
        while self._heap:
            *_, ticket, client = heapq.heappop(self._heap)
            if self._live.get(client) == ticket:
                del self._live[client]
                return client
        return None

    def __len__(self) -> int:
        return len(self._live)

    def freeze(self) -> dict[str, Any]:
        entries = sorted(entry for entry in self._heap if self._live.get(entry[3]) == entry[2])
        return {"heap": entries, "ticket": self._ticket, "scores": sorted(self.scores.items())}

    def thaw(self, frozen: dict[str, Any]) -> None:
        self._heap = [(score, draw, ticket, client) for score, draw, ticket, client in frozen["heap"]]
        self._live = {client: ticket for *_, ticket, client in self._heap}
        self._ticket, self.scores = frozen["ticket"], dict(frozen["scores"])


class AvailabilityPool:
    """Whoever lost the smallest share of its jobs so far, with one good job assumed for newcomers."""

    def __init__(self, seed: int) -> None:
        self._ranked = RankedPool(seed)
        self._history: dict[int, tuple[int, int]] = {}

    def learn(self, client: int, seconds: float, metrics: dict[str, float] | None) -> None:
        done, all_jobs = self._history.get(client, (1, 1))
        self._history[client] = done, all_jobs = done + (metrics is not None), all_jobs + 1
        # Scores are offset so that a newcomer (score 0) ranks as one who never lost a job.
        self._ranked.scores[client] = done / all_jobs - 1.0

    def add(self, client: int) -> None:
        self._ranked.add(client)

    def extend(self, clients: Sequence[int]) -> None:
        self._ranked.extend(clients)

    def remove(self, client: int) -> None:
        self._ranked.remove(client)

    def pick(self) -> int | None:
        return self._ranked.pick()

    def __len__(self) -> int:
        return len(self._ranked)

    def freeze(self) -> dict[str, Any]:
        return {**self._ranked.freeze(), "history": sorted(self._history.items())}

    def thaw(self, frozen: dict[str, Any]) -> None:
        self._ranked.thaw(frozen)
        self._history = {client: (done, jobs) for client, (done, jobs) in frozen["history"]}


class UtilityPool:
    """Oort (Lai et al., OSDI 2021, 2010.06081): loss-rich, fast clients first, a share of picks explores.

    ``utility = samples * loss * (T / t)^alpha`` when the job took t > T, the running median of job durations.
    Our server sees a job's mean loss, so that stands for Oort's root mean square over samples.
    """

    def __init__(self, count: int, seed: int, explore: float = 0.2, alpha: float = 2.0) -> None:
        self._ranked, self._fresh = RankedPool(seed), RandomPool(count, seed)
        self._seed, self._explore, self._alpha = seed, explore, alpha
        self._picks = 0
        self._durations: deque[float] = deque(maxlen=100)

    def learn(self, client: int, seconds: float, metrics: dict[str, float] | None) -> None:
        if metrics is None:
            self._ranked.scores[client] = self._ranked.scores.get(client, 0.0) / 2
            return
        self._durations.append(seconds)
        typical = sorted(self._durations)[len(self._durations) // 2]
        slow = (typical / seconds) ** self._alpha if seconds > typical else 1.0
        self._ranked.scores[client] = metrics.get("samples", 1.0) * metrics.get("loss", 1.0) * slow

    def add(self, client: int) -> None:
        (self._ranked if client in self._ranked.scores else self._fresh).add(client)

    def extend(self, clients: Sequence[int]) -> None:
        known = self._ranked.scores.keys()
        self._ranked.extend([client for client in clients if client in known])
        self._fresh.extend([client for client in clients if client not in known])

    def remove(self, client: int) -> None:
        self._ranked.remove(client)
        self._fresh.remove(client)

    def pick(self) -> int | None:
        self._picks += 1
        explore = seeds.uniform(self._seed, self._picks, "explore") < self._explore
        first: RandomPool | RankedPool
        second: RandomPool | RankedPool
        first, second = (self._fresh, self._ranked) if explore else (self._ranked, self._fresh)
        client = first.pick()
        return client if client is not None else second.pick()

    def __len__(self) -> int:
        return len(self._ranked) + len(self._fresh)

    def freeze(self) -> dict[str, Any]:
        return {
            "ranked": self._ranked.freeze(),
            "fresh": self._fresh.freeze(),
            "picks": self._picks,
            "durations": list(self._durations),
        }

    def thaw(self, frozen: dict[str, Any]) -> None:
        self._ranked.thaw(frozen["ranked"])
        self._fresh.thaw(frozen["fresh"])
        self._picks = frozen["picks"]
        self._durations = deque(frozen["durations"], maxlen=100)


def make_pool(selection: Selection, count: int, seed: int) -> Pool:
    """The pool for ``Schedule.selection``."""
    match selection:
        case "fifo":
            return FifoPool()
        case "random":
            return RandomPool(count, seed)
        case "availability":
            return AvailabilityPool(seed)
        case "utility":
            return UtilityPool(count, seed)
