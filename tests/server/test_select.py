"""Who is picked and why, by hand-made numbers; and that a pool put back picks as if it had never been away."""

import json
import random
from collections import Counter

import pytest

from mlecs_ray.server.schedule import Selection
from mlecs_ray.server.select import AvailabilityPool, FifoPool, Pool, RandomPool, RankedPool, UtilityPool, make_pool

COUNT = 12
KINDS: tuple[Selection, ...] = ("fifo", "random", "availability", "utility")


def filled(pool: Pool, *clients: int) -> Pool:
    for client in clients:
        pool.add(client)
    return pool


def rest(pool: Pool | RankedPool) -> list[int]:
    """Everyone, in the order in which they are picked."""
    picks = []
    while (client := pool.pick()) is not None:
        picks.append(client)
    return picks


def job(samples: float, loss: float) -> dict[str, float]:
    return {"samples": samples, "loss": loss}


@pytest.mark.parametrize(
    ("kind", "made"),
    [("fifo", FifoPool), ("random", RandomPool), ("availability", AvailabilityPool), ("utility", UtilityPool)],
)
def test_the_schedule_names_the_pool(kind: Selection, made: type) -> None:
    assert type(make_pool(kind, COUNT, 0)) is made


@pytest.mark.parametrize("kind", KINDS)
def test_everyone_is_picked_once_and_then_nobody(kind: Selection) -> None:
    pool = filled(make_pool(kind, COUNT, 0), *range(COUNT))
    assert len(pool) == COUNT
    assert sorted(rest(pool)) == list(range(COUNT))
    assert (len(pool), pool.pick()) == (0, None)


@pytest.mark.parametrize("kind", KINDS)
def test_adding_who_is_there_and_removing_who_is_not_change_nothing(kind: Selection) -> None:
    pool, plain = (filled(make_pool(kind, COUNT, 0), 3, 5, 7) for _ in range(2))
    pool.add(5)
    pool.remove(4)
    assert len(pool) == 3
    assert rest(pool) == rest(plain)


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_was_removed_is_picked_only_when_added_again(kind: Selection) -> None:
    pool = filled(make_pool(kind, COUNT, 0), 3, 5, 7)
    pool.remove(5)
    assert len(pool) == 2
    assert sorted(rest(pool)) == [3, 7]
    pool.add(5)
    assert rest(pool) == [5]


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_left_and_came_back_is_there_once(kind: Selection) -> None:
    pool = filled(make_pool(kind, COUNT, 0), 3, 5)
    for _ in range(3):
        pool.remove(5)
        pool.add(5)
    assert len(pool) == 2
    assert sorted(rest(pool)) == [3, 5]


def test_fifo_picks_whoever_has_waited_longest() -> None:
    pool = filled(FifoPool(), 4, 2, 9)
    pool.add(4)
    assert pool.pick() == 4
    pool.add(4)
    pool.remove(2)
    pool.add(2)
    assert rest(pool) == [9, 4, 2]


def test_fifo_learns_nothing() -> None:
    pool = filled(FifoPool(), 1, 2)
    pool.learn(2, 0.1, job(100, 100))
    assert rest(pool) == [1, 2]


def test_random_picks_each_of_four_equally_often() -> None:
    """4000 first picks of 4 clients: 1000 each, with a standard deviation of 27."""
    first = Counter(filled(RandomPool(4, seed), 0, 1, 2, 3).pick() for seed in range(4000))
    assert all(abs(first[client] - 1000) < 110 for client in range(4))


def test_random_goes_on_drawing_anew() -> None:
    pool = RandomPool(4, 0)
    picks: Counter[int | None] = Counter()
    for _ in range(1000):
        picks[filled(pool, 0, 1, 2, 3).pick()] += 1
    assert all(abs(picks[client] - 250) < 60 for client in range(4))


def test_another_seed_picks_in_another_order() -> None:
    orders = {tuple(rest(filled(RandomPool(COUNT, seed), *range(COUNT)))) for seed in range(20)}
    assert len(orders) == 20


def test_ranks_by_score_and_lets_no_low_number_win_a_tie() -> None:
    first = set()
    for seed in range(50):
        pool = RankedPool(seed)
        pool.scores.update({0: 1.0, 1: 2.0, 2: 2.0, 3: -1.0})
        for client in range(5):
            pool.add(client)
        picks = rest(pool)
        assert sorted(picks[:2]) == [1, 2]
        # Whoever has no score has 0.
        assert picks[2:] == [0, 4, 3]
        first.add(picks[0])
    assert first == {1, 2}


def test_a_score_counts_from_the_next_time_the_client_is_idle() -> None:
    pool = RankedPool(0)
    pool.scores[1] = 1.0
    pool.add(1)
    pool.add(2)
    pool.scores[2] = 5.0
    assert pool.pick() == 1
    pool.remove(2)
    pool.add(1)
    pool.add(2)
    assert pool.pick() == 2


def test_availability_prefers_whoever_lost_the_smallest_share() -> None:
    """With one good job assumed: 1 lost of 1 is 1/2, 1 of 3 is 3/4, 1 of 2 is 2/3, nothing lost and newcomers 1."""
    pool = AvailabilityPool(0)
    for client, ends in {1: "x", 2: "..x", 3: "x.", 4: "..."}.items():
        for end in ends:
            pool.learn(client, 1.0, None if end == "x" else {})
    picks = rest(filled(pool, 1, 2, 3, 4, 5))
    assert sorted(picks[:2]) == [4, 5]
    assert picks[2:] == [2, 3, 1]


def test_availability_treats_a_newcomer_as_one_who_never_lost_a_job() -> None:
    first = set()
    for seed in range(50):
        pool = AvailabilityPool(seed)
        pool.learn(1, 1.0, {})
        first.add(filled(pool, 1, 2).pick())
    assert first == {1, 2}


def test_utility_prefers_samples_times_loss() -> None:
    """10 x 2 = 20, 30 x 1 = 30, 5 x 5 = 25; one sample and a loss of 1 where a job tells neither."""
    pool = UtilityPool(COUNT, 0, explore=0.0)
    for client, metrics in {1: job(10, 2.0), 2: job(30, 1.0), 3: job(5, 5.0), 4: {}}.items():
        pool.learn(client, 1.0, metrics)
    assert rest(filled(pool, 1, 2, 3, 4)) == [2, 3, 1, 4]


def test_utility_marks_down_whoever_is_slower_than_the_median() -> None:
    """Durations 1, 1, 2: the median is 1, so the third's 30 x (1/2)^2 = 7.5 lies below the 10 of the others."""
    pool = UtilityPool(COUNT, 0, explore=0.0)
    for client, seconds, samples in ((1, 1.0, 10), (2, 1.0, 8), (3, 2.0, 30)):
        pool.learn(client, seconds, job(samples, 1.0))
    assert rest(filled(pool, 1, 2, 3)) == [1, 2, 3]


def test_utility_gives_nothing_extra_for_being_faster_than_the_median() -> None:
    pool = UtilityPool(COUNT, 0, explore=0.0)
    for client, seconds, samples in ((1, 4.0, 10), (2, 4.0, 11), (3, 1.0, 9)):
        pool.learn(client, seconds, job(samples, 1.0))
    assert rest(filled(pool, 1, 2, 3)) == [2, 1, 3]


def test_utility_knows_the_median_of_the_last_hundred_jobs_only() -> None:
    """A hundred jobs of 1 s, then sixty of 4 s: the median has become 4, and nobody is slow at 4 s."""
    pool = UtilityPool(COUNT, 0, explore=0.0)
    for seconds in [1.0] * 100 + [4.0] * 60:
        pool.learn(1, seconds, job(10, 1.0))
    pool.learn(2, 1.0, job(9, 1.0))
    assert rest(filled(pool, 1, 2)) == [1, 2]


def test_utility_halves_with_every_loss() -> None:
    """40, twice lost, is 10: below 11, above 9."""
    pool = UtilityPool(COUNT, 0, explore=0.0)
    for client, samples in ((1, 40), (2, 11), (3, 9)):
        pool.learn(client, 1.0, job(samples, 1.0))
    pool.learn(1, 99.0, None)
    pool.learn(1, 99.0, None)
    assert rest(filled(pool, 1, 2, 3)) == [2, 1, 3]


def test_utility_counts_a_newcomer_who_lost_its_job_as_known_and_last() -> None:
    pool = UtilityPool(COUNT, 0, explore=0.0)
    pool.learn(1, 1.0, None)
    pool.learn(2, 1.0, job(1, 1e-9))
    assert rest(filled(pool, 1, 2, 3)) == [2, 1, 3]


@pytest.mark.parametrize("explore", [0.0, 0.2, 1.0])
def test_utility_gives_the_share_to_explore_to_newcomers(explore: float) -> None:
    """Of 2000 picks, with one client known and one not at each: a fifth is 400, with a deviation of 18."""
    pool = UtilityPool(2, 0, explore=explore)
    pool.learn(0, 1.0, job(10, 1.0))
    fresh = sum(filled(pool, 0, 1).pick() == 1 for _ in range(2000))
    assert abs(fresh - 2000 * explore) <= (80 if 0 < explore < 1 else 0)


@pytest.mark.parametrize("explore", [0.0, 1.0])
def test_utility_picks_of_the_other_kind_where_there_is_none_of_the_wanted(explore: float) -> None:
    pool = UtilityPool(COUNT, 0, explore=explore)
    pool.learn(1, 1.0, job(1, 1.0))
    assert filled(pool, 1).pick() == 1
    assert filled(pool, 2).pick() == 2


class Life:
    """What a server does with a pool, at random: picks, ends of jobs, clients that come and go."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.online, self.busy = set(range(COUNT)), set[int]()

    def step(self, *pools: Pool) -> list[tuple[int | None, int]]:
        """Do the same to each pool; gives whom each picked, if it was asked, and how many it holds then."""
        picks = self.chance.choice((self.pick, self.land, self.flip))(*pools)
        return [(client, len(pool)) for client, pool in zip(picks, pools, strict=True)]

    def pick(self, *pools: Pool) -> list[int | None]:
        picks = [pool.pick() for pool in pools]
        self.busy.update(client for client in picks if client is not None)
        return picks

    def land(self, *pools: Pool) -> list[None]:
        client = self.chance.choice(sorted(self.busy) or [0])
        seconds, loss = 10 ** self.chance.uniform(-3, 3), self.chance.choice((0.0, 1e-9, 0.3, 2.5, 1e12))
        metrics = self.chance.choice((None, {}, {"loss": loss}, job(self.chance.randint(1, 500), loss)))
        for pool in pools if client in self.busy else ():
            pool.learn(client, seconds, metrics)
            if client in self.online:
                pool.add(client)
        self.busy.discard(client)
        return [None] * len(pools)

    def flip(self, *pools: Pool) -> list[None]:
        client = self.chance.randrange(COUNT)
        self.online ^= {client}
        for pool in pools:
            if client not in self.online:
                pool.remove(client)
            elif client not in self.busy:
                pool.add(client)
        return [None] * len(pools)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("kind", KINDS)
def test_a_pool_put_back_picks_as_if_it_had_never_been_away(kind: Selection, seed: int) -> None:
    """Every hundred steps the second pool is replaced by a new one that is given its state through JSON."""
    life, pool = Life(seed), filled(make_pool(kind, COUNT, seed), *range(COUNT))
    other = filled(make_pool(kind, COUNT, seed), *range(COUNT))
    picked = 0
    for _ in range(5):
        frozen = json.loads(json.dumps(other.freeze()))
        other = filled(make_pool(kind, COUNT, seed), *life.chance.sample(range(COUNT), 3))
        other.thaw(frozen)
        for _ in range(100):
            (first, left), second = life.step(pool, other)
            assert second == (first, left)
            picked += first is not None
    assert picked > 50
    assert pool.freeze() == other.freeze()


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("kind", KINDS)
def test_only_idle_clients_that_are_online_are_picked(kind: Selection, seed: int) -> None:
    life, pool = Life(seed), filled(make_pool(kind, COUNT, seed), *range(COUNT))
    for _ in range(300):
        idle = life.online - life.busy
        ((client, left),) = life.step(pool)
        assert client is None or client in idle
        assert left == len(life.online - life.busy)
    assert set(rest(pool)) == life.online - life.busy


def test_clients_that_come_and_go_leave_nothing_behind() -> None:
    pool = RankedPool(0)
    for client in range(3):
        pool.add(client)
    for _ in range(10_000):
        pool.remove(2)
        pool.add(2)
    assert len(pool) == 3
    assert len(pool._heap) < 100
    assert {pool.pick(), pool.pick(), pool.pick(), pool.pick()} == {0, 1, 2, None}


def test_a_job_that_took_no_time_has_its_rank() -> None:
    pool = UtilityPool(2, 0)
    pool.learn(0, 0.0, {"samples": 2.0, "loss": 3.0})
    assert pool.freeze()["ranked"]["scores"] == [(0, 6.0)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("clients", [(3, 5, 7), (7, 3, 5, 3, 11), ()])
def test_adding_many_at_once_is_adding_each_in_turn(kind: Selection, clients: tuple[int, ...]) -> None:
    """Clients 5 and 9 are known by an earlier job, 9 and 1 are there already; then everyone comes back once more."""
    one, many = (make_pool(kind, COUNT, 4) for _ in range(2))
    for pool in (one, many):
        for client in (5, 9):
            pool.learn(client, 2.0, job(10, client))
        filled(pool, 9, 1)
    filled(one, *clients)
    many.extend(clients)
    assert (one.freeze(), len(one)) == (many.freeze(), len(many))
    assert rest(one) == rest(many)
    filled(one, *range(COUNT))
    many.extend(range(COUNT))
    assert rest(one) == rest(many)
