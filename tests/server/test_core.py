"""The state machine, driven by hand."""

import re

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.events import Alarm, Discarded, Finished, Lost, Merged, Offline, Online, Rang, Step, Train
from mlecs_ray.method import Update
from mlecs_ray.server.core import Server
from mlecs_ray.server.schedule import Schedule
from mlecs_ray.sim.population import CLOUD
from tests.server.fakes import Counting, Crowd


def serve(count: int = 4, cloud: bool = False, tiers: int = 1, **schedule: object) -> Server:
    fields = {"concurrency": 2, "buffer": 1, "selection": "fifo", "tiers": tiers, **schedule}
    return Server(Counting(), Schedule(**fields), Crowd(count, cloud, tiers), seed=0)  # type: ignore[arg-type]


def kinds(steps: list[Step]) -> list[str]:
    return [type(step).__name__ for step in steps]


def sent(steps: list[Step]) -> list[tuple[int, int]]:
    """(client, job number) of every job sent."""
    return [(step.job.client.id, step.number) for step in steps if isinstance(step, Train)]


def done(server: Server, client: int, number: int, value: float = 1.0, now: float = 1.0) -> list[Step]:
    return server.handle(now, Finished(client, number, Update({"w": torch.full((2,), value)}, 1.0)))


def test_as_many_clients_start_as_may_run_at_once():
    server = serve(concurrency=3)
    assert sent(server.handle(0.0, Online(range(4)))) == [(0, 1), (1, 2), (2, 3)]
    assert server.idle == 1


def test_a_client_that_answers_is_merged_and_the_next_one_starts_with_the_new_version():
    server = serve()
    server.handle(0.0, Online(range(3)))
    steps = done(server, 0, 1)
    assert kinds(steps) == ["Merged", "Train"]
    assert steps[0] == Merged(1, 0, (1,), (0,))
    assert sent(steps) == [(2, 3)]
    assert steps[1].job.version == 1  # type: ignore[union-attr]


def test_staleness_counts_the_merges_since_dispatch():
    server = serve(concurrency=3)
    server.handle(0.0, Online(range(3)))
    done(server, 0, 1)
    done(server, 1, 2)
    steps = done(server, 2, 3)
    assert steps[0] == Merged(3, 0, (3,), (2,))


def test_a_buffer_merges_only_when_it_is_full():
    server = serve(concurrency=3, buffer=2)
    server.handle(0.0, Online(range(4)))
    assert kinds(done(server, 0, 1)) == ["Train"]
    assert kinds(done(server, 1, 2)) == ["Merged", "Train"]


def test_a_barrier_starts_nobody_until_the_round_is_merged():
    server = serve(barrier=True, buffer=2)
    assert sent(server.handle(0.0, Online(range(4)))) == [(0, 1), (1, 2)]
    assert done(server, 0, 1) == []
    steps = done(server, 1, 2)
    assert kinds(steps) == ["Merged", "Train", "Train"]
    assert sent(steps) == [(2, 3), (3, 4)]


def test_a_lost_client_of_a_round_is_replaced():
    server = serve(barrier=True, buffer=2)
    server.handle(0.0, Online(range(3)))
    assert sent(server.handle(1.0, Lost(0, 1))) == [(2, 3)]


def test_over_selection_discards_whoever_the_round_left_behind():
    server = serve(count=6, concurrency=3, barrier=True, buffer=2, over_select=1.5)
    assert len(sent(server.handle(0.0, Online(range(6))))) == 3
    done(server, 0, 1)
    assert kinds(done(server, 1, 2)) == ["Merged", "Train", "Train", "Train"]
    late = done(server, 2, 3)
    assert late == [Discarded(2, 3, "round 0 had closed")]


def test_a_deadline_merges_what_has_arrived():
    server = serve(barrier=True, buffer=2, deadline=10.0)
    steps = server.handle(0.0, Online(range(4)))
    assert steps[0] == Alarm(10.0, 0, 0)
    done(server, 0, 1)
    steps = server.handle(10.0, Rang(0, 0))
    assert steps[0] == Merged(1, 0, (1,), (0,))
    assert steps[1] == Alarm(10.0, 0, 1)


def test_a_deadline_without_answers_gives_the_round_as_much_time_again():
    server = serve(barrier=True, buffer=2, deadline=10.0)
    server.handle(0.0, Online(range(4)))
    assert server.handle(10.0, Rang(0, 0)) == [Alarm(10.0, 0, 0)]


def test_the_alarm_of_a_round_that_is_over_does_nothing():
    server = serve(barrier=True, buffer=2, deadline=10.0)
    server.handle(0.0, Online(range(4)))
    done(server, 0, 1)
    done(server, 1, 2)
    assert server.handle(10.0, Rang(0, 0)) == []


def test_an_update_that_is_too_stale_is_discarded_and_its_client_may_work_again():
    server = serve(concurrency=2, max_staleness=0)
    server.handle(0.0, Online(range(2)))
    done(server, 0, 1)
    steps = done(server, 1, 2)
    assert steps[0] == Discarded(1, 2, "staleness 1 above 0")
    assert sent(steps) == [(1, 4)]


def test_staleness_counts_the_merges_of_other_tiers_while_an_update_waits():
    """Clients 0 and 2 are of tier 0, 1 and 3 of tier 1. Client 1 answers at version 0 and is merged at version 1."""
    server = serve(tiers=2, buffer=2)
    server.handle(0.0, Online(range(4)))
    done(server, 1, 3)
    done(server, 0, 1)
    done(server, 2, 2)
    assert server.version == 1
    (merged,) = [step for step in done(server, 3, 4) if isinstance(step, Merged)]
    assert (merged.numbers, merged.staleness) == ((3, 4), (1, 1))


def test_an_update_that_became_too_stale_while_it_waited_is_discarded_at_the_merge():
    server = serve(count=6, tiers=2, buffer=2, max_staleness=0)
    server.handle(0.0, Online(range(6)))
    flights = {flight.train.job.client.id: number for number, flight in server.flights.items()}
    first, second = (client for client in flights if client % 2)
    done(server, first, flights[first])
    for client in (client for client in flights if client % 2 == 0):
        done(server, client, flights[client])
    assert server.version == 1
    steps = done(server, second, flights[second])
    assert Discarded(second, flights[second], "staleness 1 above 0") in steps
    assert server.version == 1


def test_a_refused_update_teaches_nothing_and_neither_does_a_loss_without_a_value():
    """Both clients are ranked by what they lose; a NaN has no rank, and Oort halves the score of a job in vain."""
    server = serve(count=2, selection="utility")
    server.handle(0.0, Online(range(2)))
    flights = {flight.train.job.client.id: number for number, flight in server.flights.items()}
    bad = Update({"w": torch.full((2,), float("nan"))}, 1.0, {}, {"loss": 50.0})
    assert kinds(server.handle(1.0, Finished(0, flights[0], bad)))[0] == "Refused"
    good = Update({"w": torch.ones(2)}, 1.0, {}, {"loss": float("nan")})
    server.handle(1.0, Finished(1, flights[1], good))
    scores = server.lanes[0].pool.freeze()["ranked"]["scores"]
    assert scores == [(0, 0.0), (1, 10.0)]


def test_an_offline_client_is_not_picked_and_comes_back():
    server = serve(concurrency=1)
    server.handle(0.0, Online(range(2)))
    assert server.handle(0.5, Offline(1)) == []
    assert sent(done(server, 0, 1)) == [(0, 2)]
    server.handle(2.0, Online((1,)))
    assert sent(done(server, 0, 2)) == [(1, 3)]


def test_a_client_lost_while_offline_starts_again_only_when_it_is_back():
    server = serve(count=1, concurrency=1)
    server.handle(0.0, Online((0,)))
    server.handle(1.0, Offline(0))
    assert server.handle(1.0, Lost(0, 1)) == []
    assert sent(server.handle(5.0, Online((0,)))) == [(0, 2)]


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        ({"w": torch.tensor([1.0, float("nan")])}, "NaN or Inf"),
        ({"w": torch.tensor([1.0, float("inf")])}, "NaN or Inf"),
        ({"w": torch.zeros(3)}, r"w is \(\(3,\), torch.float32\)"),
        ({"w": torch.zeros(2, dtype=torch.float64)}, "float64"),
        ({"v": torch.zeros(2)}, "v is .* promised was absent"),
    ],
)
def test_a_bad_update_is_refused_recorded_and_survived(tree, reason):
    server = serve()
    server.handle(0.0, Online(range(3)))
    steps = server.handle(1.0, Finished(0, 1, Update(tree, 1.0)))
    assert kinds(steps) == ["Refused", "Train"]
    assert re.search(reason, steps[0].reason)  # type: ignore[union-attr]
    assert server.version == 0


def test_a_weight_that_is_no_positive_number_is_refused():
    server = serve()
    server.handle(0.0, Online(range(3)))
    steps = server.handle(1.0, Finished(0, 1, Update({"w": torch.zeros(2)}, float("nan"))))
    assert kinds(steps) == ["Refused", "Train"]


def test_a_norm_bomb_is_refused_once_the_usual_norm_is_known():
    """Eight updates of norm 1; then 99 x passes and 101 x the median does not."""
    server = serve(count=1, concurrency=1)
    server.handle(0.0, Online((0,)))
    for number in range(1, 9):
        assert kinds(done(server, 0, number, 2**-0.5))[0] == "Merged"
    assert kinds(done(server, 0, 9, 99 * 2**-0.5))[0] == "Merged"
    assert kinds(done(server, 0, 10, 101 * 2**-0.5))[0] == "Refused"


def test_an_update_from_nowhere_and_a_replay_are_refused():
    server = serve()
    server.handle(0.0, Online(range(3)))
    assert kinds(done(server, 0, 77)) == ["Refused"]
    done(server, 0, 1)
    assert kinds(done(server, 0, 1)) == ["Refused"]
    assert kinds(done(server, 2, 2)) == ["Refused"], "job 2 belongs to client 1"


def test_tiers_have_rounds_of_their_own():
    server = serve(count=6, tiers=2, barrier=True, buffer=2)
    assert sent(server.handle(0.0, Online(range(6)))) == [(0, 1), (2, 2), (1, 3), (3, 4)]
    done(server, 0, 1)
    assert done(server, 2, 2)[0] == Merged(1, 0, (1, 2), (0, 0))
    done(server, 1, 3)
    assert done(server, 3, 4)[0] == Merged(2, 1, (3, 4), (1, 1))


def test_the_cloud_works_after_every_edge_merge_one_job_at_a_time():
    server = serve(cloud=True)
    server.handle(0.0, Online(range(4)))
    steps = done(server, 0, 1)
    assert sent(steps) == [(2, 3), (CLOUD, 4)]
    assert (CLOUD, 6) not in sent(done(server, 1, 2)), "it is at work"
    steps = done(server, CLOUD, 4)
    assert kinds(steps) == ["Merged", "Train"]
    assert sent(steps)[0][0] == CLOUD, "an edge merge has happened meanwhile"
    assert kinds(done(server, CLOUD, 6)) == ["Merged"], "without one it rests"


def test_what_the_cloud_merges_makes_nobody_late():
    """Client 1's job began with version 0; two merges came before its own, of which one was the cloud's."""
    server = serve(cloud=True)
    server.handle(0.0, Online(range(4)))
    done(server, 0, 1)
    done(server, CLOUD, 4)
    assert done(server, 1, 2)[0] == Merged(3, 0, (2,), (1,))


def test_lateness_is_judged_without_the_clouds_merges():
    server = serve(cloud=True, max_staleness=1)
    server.handle(0.0, Online(range(4)))
    done(server, 0, 1)
    done(server, CLOUD, 4)
    assert kinds(done(server, 1, 2))[0] == "Merged"


@pytest.mark.parametrize(
    ("fields", "clients", "share"),
    [
        ({"buffer": 1}, 9, 0.25),
        ({"buffer": 4}, 9, 1.0),
        ({"buffer": 2, "barrier": True}, 9, 1.0),
        ({"buffer": 1}, 2, 0.5),
        ({"buffer": 3}, 2, 1.0),
    ],
)
def test_a_merge_is_a_share_of_the_jobs_under_way(fields, clients, share):
    """No more jobs are under way than there are clients."""
    assert Schedule(concurrency=4, **fields).share(clients) == share


def test_seeds_of_jobs_differ_by_client_and_by_job():
    server = serve(concurrency=4)
    steps = server.handle(0.0, Online(range(4)))
    assert len({step.job.seed for step in steps}) == 4  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"concurrency": 2, "buffer": 3}, "never merges"),
        ({"buffer": 0}, "never merges"),
        ({"over_select": 1.5}, "needs barrier"),
        ({"barrier": True, "concurrency": 2, "buffer": 2, "over_select": 2.0}, "above concurrency"),
        ({"deadline": 5.0}, "needs barrier"),
        ({"barrier": True, "deadline": -1.0}, "positive"),
        ({"max_staleness": -1}, "below 0"),
        ({"tiers": 0}, "at least 1"),
    ],
)
def test_a_schedule_that_cannot_work_is_refused(fields, rule):
    with pytest.raises(InputError, match=rule):
        Schedule(**fields)


def test_a_client_is_ranked_by_the_job_that_it_has_just_ended():
    """Client 0 loses its job and goes behind 1, who has never lost one."""
    server = serve(count=2, concurrency=1, selection="availability")
    (first,) = sent(server.handle(0.0, Online(range(2))))
    other = 1 - first[0]
    assert sent(server.handle(1.0, Lost(*first)))[0][0] == other


def test_oort_explores_only_whom_it_has_not_heard():
    """Nine in ten picks rank: a client that answered with a loss is known, not fresh."""
    server = serve(count=1, concurrency=1, selection="utility")
    server.handle(0.0, Online((0,)))
    done(server, 0, 1)
    server.handle(2.0, Offline(0))
    server.handle(2.0, Lost(0, 2))
    server.handle(3.0, Online((0,)))
    assert server.lanes[0].pool.freeze()["fresh"]["idle"] == []
