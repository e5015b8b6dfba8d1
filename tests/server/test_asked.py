"""Runs in which clients are asked: what is recorded, and that they go on where they were broken off."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from mlecs_ray.events import Finished, Online
from mlecs_ray.run.local import run_locally
from mlecs_ray.run.records import read_run
from mlecs_ray.server.engine import Engine, Limits
from mlecs_ray.server.snapshot import freeze, thaw
from mlecs_ray.sim.availability import Markov
from mlecs_ray.sim.faults import Faults
from mlecs_ray.sim.shifts import Shifts
from mlecs_ray.tree import tree_digest
from tests.server.fakes import ASKING, Curious, answer
from tests.server.test_asking import tells
from tests.server.test_core import done
from tests.server.test_engine import _through_json, drain, make
from tests.small import small_scenario

OPTIONS: dict[str, dict[str, Any]] = {
    "buffered": {},
    "barrier": {"concurrency": 3, "buffer": 3, "barrier": True, "deadline": 300.0},
    "ranked": {"selection": "utility", "buffer": 4},
    "together": {"most": 3},
}


def ask(**options: Any) -> Engine:
    """Six clients that shift every minute, come and go, and lose jobs."""
    world = {"availability": Markov(400.0, 200.0, 5), "faults": Faults(dropout=0.1), "method": Curious()}
    engine = make(**world, **options)
    engine.world.shifts = Shifts(30, 60.0, 0.5, 1)
    return engine


def test_a_question_is_a_job_that_ends_as_told_and_counts_as_no_update():
    engine = ask()
    asyncio.run(drain(engine))
    rows = Counter(event[1] for event in engine.journal.events)
    ends = Counter(job.outcome for job in engine.journal.jobs)
    assert rows["told"] == ends["told"] > 6, "some are asked again"
    assert rows["finished"] == engine.tally.updates + rows["told"]
    told = next(job for job in engine.journal.jobs if job.outcome == "told")
    assert (dict(told.download), dict(told.upload)) == ({"shared": 4}, {"shared": 12})
    assert told.timing.joules > 0
    assert engine.tally.upload_bytes == sum(
        sum(job.upload.values()) for job in engine.journal.jobs if job.outcome != "running"
    )


def test_what_follows_starts_at_the_moment_of_the_answer():
    engine = ask()
    asyncio.run(drain(engine))
    events = engine.journal.events
    for place, (seconds, kind, client, *_) in enumerate(events):
        if kind == "told":
            following = events[place + 1]
            assert following[:3] == (seconds, "started", client)


def test_a_question_in_flight_when_the_run_ends_is_written_down_as_running():
    engine = ask(count=12, concurrency=6, buffer=1)
    engine.limits = Limits(3000.0, 2)
    asyncio.run(drain(engine))
    running = [job.number for job in engine.journal.jobs if job.outcome == "running"]
    assert running
    assert any(engine.server.flights[number].train.work.tells for number in running)


@pytest.mark.parametrize("stop", [3, 9, 15])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_run_frozen_with_questions_in_flight_ends_as_if_it_had_not_been(options, stop):
    whole, first, second = ask(**options), ask(**options), ask(**options)
    asyncio.run(drain(whole))

    async def part():
        await drain(first, until=stop)
        await first.evaluator.drain()
        return _through_json(freeze(first)), await first.fleet.kept(), await first.fleet.answers()

    snapshot, kept, answers = asyncio.run(part())
    assert any(flight.train.work.tells for flight in first.server.flights.values())
    second.fleet.restore(kept, answers)
    thaw(second, snapshot)
    asyncio.run(drain(second))
    assert first.journal.events + second.journal.events == whole.journal.events
    assert tree_digest(second.server.state) == tree_digest(whole.server.state)
    assert second.tally == whole.tally


def test_an_update_that_waits_keeps_what_its_client_had_told_when_it_was_assigned():
    """Client 0 has told 3 and waits; it tells 4 before the checkpoint."""
    engine = make(count=2, concurrency=2, buffer=2, method=Curious())
    server = engine.server
    server.handle(0.0, Online((0,)))
    tells(server, 0, 1)
    engine.world.shifts = Shifts(1, 1.0)
    done(server, 0, 2)
    server.handle(1.0, Finished(0, 3, answer(4.0, 1)))
    again = make(count=2, concurrency=2, buffer=2, method=Curious())
    thaw(again, _through_json(freeze(engine)))
    (waiting,) = again.server.lanes[0].buffer
    assert waiting.client.told["number"] == 3.0
    assert again.server.told[0]["number"] == 4.0


def test_a_run_whose_clients_are_asked_is_measured_and_recorded(tmp_path):
    scenario = small_scenario(method={"name": ASKING}, evaluation__clients=2)
    outcome = run_locally(scenario, tmp_path / "run")
    assert outcome.finished
    run = read_run(tmp_path / "run")
    assert (run.traffic["outcome"] == "told").sum() >= 4
    assert {"client", "global"} <= set(run.metrics["scope"])
