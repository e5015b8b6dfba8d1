"""A question before a job, driven by hand: what a client tells of itself, and the job that is assigned by it."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.events import Discarded, Finished, Lost, Merged, Offline, Online, Rang, Refused, Step, Told, Train
from mlecs_ray.method import Client, Job, Update
from mlecs_ray.server.core import Server
from mlecs_ray.server.schedule import Schedule
from mlecs_ray.sim.population import CLOUD
from mlecs_ray.tree import Tree, tree_norm
from tests.server.fakes import Crowd, Curious, answer
from tests.server.test_core import done, kinds, sent


class Insatiable(Curious):
    """Asks whatever it was told."""

    def assign(self, state: Tree, client: Client) -> Tree:
        return {"ask": torch.zeros(1)}


@dataclass
class Shifting(Crowd):
    """All clients are at ``step``."""

    step: int = 0

    def client(self, client: int, now: float) -> Client:
        one = Crowd.client(self, client, now)
        return Client(**{**vars(one), "step": self.step})


def serve(count: int = 4, method: Curious | None = None, cloud: bool = False, **schedule: Any) -> Server:
    """With one client at a time, if nothing else is said, and a state of ones."""
    fields = {"concurrency": 1, "buffer": 1, "selection": "fifo", **schedule}
    server = Server(method or Curious(), Schedule(**fields), Shifting(count, cloud), seed=0)
    server.latest = 0, {"w": torch.ones(2)}
    return server


def tells(server: Server, client: int, job: int, number: float = 3.0, now: float = 1.0) -> list[Step]:
    return server.handle(now, Finished(client, job, answer(number)))


def job_of(steps: list[Step]) -> Job:
    (train,) = (step for step in steps if isinstance(step, Train))
    return train.job


def test_the_answer_assigns_the_clients_next_job_which_starts_at_once():
    server = serve()
    assert "ask" in job_of(server.handle(0.0, Online(range(4)))).tree
    steps = tells(server, 0, 1)
    assert kinds(steps) == ["Told", "Train"]
    assert steps[0] == Told(0, 1)
    assert sent(steps) == [(0, 2)]
    assert job_of(steps).tree["w"].tolist() == [3.0, 3.0]
    assert job_of(steps).client.told["number"] == 3.0


def test_a_question_keeps_its_clients_place_and_the_pool_hears_nothing_of_it():
    server = serve(count=2, selection="utility")
    ((first, _),) = sent(server.handle(0.0, Online(range(2))))
    lane = server.lanes[0]
    before = lane.pool.freeze()
    tells(server, first, 1)
    assert (lane.open, lane.buffer, server.busy[first], server.version) == (1, [], 1, 0)
    assert lane.pool.freeze() == before


def test_what_was_told_is_remembered_and_passes_to_nobody_else():
    server = serve(count=2)
    server.handle(0.0, Online(range(2)))
    tells(server, 0, 1)
    (other,) = sent(done(server, 0, 2))
    assert other == (1, 3)
    assert "ask" in server.flights[3].train.job.tree
    tells(server, 1, 3, number=5.0)
    again = job_of(done(server, 1, 4))
    assert again.client.told["number"] == 3.0, "client 0 is not asked again"


def test_what_follows_is_as_late_as_its_own_start_says():
    """Client 0 is asked at version 0 and told to learn at version 1, so its update is merged 0 merges late."""
    server = serve(concurrency=2)
    server.handle(0.0, Online(range(2)))
    tells(server, 1, 2)
    assert kinds(done(server, 1, 3))[0] == "Merged"
    steps = tells(server, 0, 1)
    assert job_of(steps).version == 1
    ((_, number),) = sent(steps)
    assert done(server, 0, number)[0] == Merged(2, 0, (number,), (0,))


def test_a_barrier_waits_for_what_follows_a_question():
    server = serve(barrier=True, concurrency=2, buffer=2)
    assert sent(server.handle(0.0, Online(range(4)))) == [(0, 1), (1, 2)]
    assert sent(tells(server, 0, 1)) == [(0, 3)]
    assert done(server, 0, 3) == []
    assert sent(tells(server, 1, 2)) == [(1, 4)]
    assert kinds(done(server, 1, 4)) == ["Merged", "Train", "Train"]


def test_an_answer_to_a_round_that_has_closed_is_kept_and_frees_its_client():
    server = serve(count=2, barrier=True, concurrency=2, buffer=2, deadline=10.0)
    server.handle(0.0, Online(range(2)))
    tells(server, 0, 1)
    done(server, 0, 3)
    closed = server.handle(10.0, Rang(0, 0))
    assert kinds(closed) == ["Merged", "Alarm", "Train"]
    steps = tells(server, 1, 2, number=7.0, now=11.0)
    assert steps[0] == Told(1, 2)
    assert job_of(steps).tree["w"].tolist() == (7.0 * server.state["w"]).tolist()
    assert server.lanes[0].open == 2


def test_an_answer_of_a_client_that_has_left_is_kept_and_another_starts():
    """On the wall clock, or with the battery that the question has emptied."""
    server = serve()
    server.handle(0.0, Online(range(2)))
    server.handle(0.5, Offline(0))
    assert sent(tells(server, 0, 1)) == [(1, 2)]
    assert (server.busy[0], server.lanes[0].open) == (0, 1)
    tells(server, 1, 2)
    server.handle(2.0, Online((0,)))
    steps = server.handle(3.0, Lost(1, 3))
    assert job_of(steps).client.told["number"] == 3.0


def test_a_question_that_is_lost_frees_its_place():
    server = serve()
    server.handle(0.0, Online(range(2)))
    assert sent(server.handle(1.0, Lost(0, 1))) == [(1, 2)]
    assert (server.told, server.lanes[0].open) == ({}, 1)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (answer(float("nan")), "it holds NaN or Inf"),
        (Update({"w": torch.ones(2)}, 1.0), r"number is absent, promised was"),
        (Update(answer(1.0).tree, 0.0), "weight 0.0 is not a positive number"),
    ],
)
def test_an_answer_that_is_none_is_refused_and_forgotten(bad, reason):
    server = serve()
    server.handle(0.0, Online(range(2)))
    refused, *rest = server.handle(1.0, Finished(0, 1, bad))
    assert isinstance(refused, Refused)
    assert refused.reason.startswith(reason)
    assert sent(rest) == [(1, 2)]
    assert server.told == {}


def test_answers_are_of_no_usual_norm():
    """Eight updates of norm 1 make 1e9 a bomb as an update; nine answers of 1e9 leave the median at 1."""
    server = serve(count=10)
    server.handle(0.0, Online(range(10)))
    for client in range(9):
        number = server.started
        assert kinds(tells(server, client, number, number=1e9)) == ["Told", "Train"]
        assert kinds(done(server, client, number + 1, 2**-0.5))[0] == "Merged"
    assert server.guard.freeze() == pytest.approx([1.0] * 9)
    tells(server, 9, server.started)
    assert kinds(done(server, 9, server.started, 1e9))[0] == "Refused"


def test_an_answer_may_be_of_whole_numbers():
    assert tree_norm({"labels": torch.tensor([3, 4])}) == 5.0


def test_a_method_that_asks_what_it_has_just_been_told_is_refused():
    server = serve(method=Insatiable())
    server.handle(0.0, Online(range(2)))
    with pytest.raises(
        InputError, match=r"client 0 has just told \['number', 'step'\] and is asked again: assign must"
    ):
        tells(server, 0, 1)


def test_a_client_that_has_changed_while_it_answered_may_be_asked_again():
    server = serve()
    server.handle(0.0, Online(range(2)))
    server.roster.step = 1  # type: ignore[attr-defined]  # Shifting has it
    assert "ask" in job_of(tells(server, 0, 1)).tree
    steps = server.handle(2.0, Finished(0, 2, answer(4.0, 1)))
    assert job_of(steps).tree["w"].tolist() == [4.0, 4.0]


def test_a_client_is_asked_anew_after_a_shift():
    server = serve(count=1)
    server.handle(0.0, Online(range(1)))
    tells(server, 0, 1)
    server.roster.step = 1  # type: ignore[attr-defined]  # Shifting has it
    steps = done(server, 0, 2)
    assert "ask" in job_of(steps).tree
    assert job_of(steps).client.told["number"] == 3.0
    server.handle(2.0, Finished(0, 3, answer(4.0, 1)))
    assert server.told[0]["number"] == 4.0


def test_the_cloud_may_be_asked_too():
    server = serve(cloud=True)
    server.handle(0.0, Online(range(1)))
    tells(server, 0, 1)
    assert sent(done(server, 0, 2)) == [(0, 3), (CLOUD, 4)]
    assert sent(tells(server, CLOUD, 4, number=2.0)) == [(CLOUD, 5)]
    assert kinds(done(server, CLOUD, 5)) == ["Merged"]


def test_what_follows_a_question_may_still_be_too_late():
    server = serve(concurrency=2, max_staleness=0)
    server.handle(0.0, Online(range(2)))
    tells(server, 0, 1), tells(server, 1, 2)
    done(server, 0, 3)
    assert done(server, 1, 4)[0] == Discarded(1, 4, "staleness 1 above 0")
