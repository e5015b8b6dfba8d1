"""Whose answers are asked for, on which rows, and what becomes of them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from mlecs_ray.method import Client
from mlecs_ray.server.evaluation import Evaluator, Judge, Plan
from mlecs_ray.sim.fleet import LocalFleet, Probe
from mlecs_ray.sim.worker import Worker
from mlecs_ray.tree import Tree
from tests.server.fakes import BUDGET, Counting, Memory, Pile

STATE = {"w": torch.ones(2)}


def client(number: int, step: int = 0) -> Client:
    return Client(number, frozenset({"x"}), BUDGET, "test", 10, step=step)


class Watching(LocalFleet):
    """Remembers what it was asked."""

    def __init__(self, method: Any) -> None:
        super().__init__(Worker(method, Pile()))
        self.probes: list[Probe] = []

    def predict(self, probe: Probe) -> Any:
        self.probes.append(probe)
        return super().predict(probe)


def told(of: Client, local: bool, answers: Sequence[Any]) -> Mapping[str, float]:
    """A value that tells what it is about: 100 for a local one, the step, the client and the answer."""
    return {"told": 100.0 * local + 10 * of.step + of.id + answers[0] / 10}


def plan(local: bool, *clients: int) -> Plan:
    scopes = ("personal",) if local else ("client", "personal")
    judges = [Judge(scope, str(number), client(number), local) for number in clients for scope in scopes]
    return Plan(
        (Judge("global", "model", client(-1)), *judges), told, 40, 10, seen=lambda one, now: replace(one, step=int(now))
    )


def asked(which: Plan, *moments: float, method: Any = None) -> tuple[Evaluator, Watching, Memory]:
    made, journal = method or Counting(), Memory()
    fleet = Watching(made)
    evaluator = Evaluator(which, made, fleet, journal)

    async def all_of_them() -> None:
        for version, now in enumerate(moments):
            await evaluator.ask(now, version, STATE)
        await evaluator.drain()

    asyncio.run(all_of_them())
    return evaluator, fleet, journal


def test_clients_are_measured_on_the_global_test_where_they_have_none_of_their_own() -> None:
    evaluator, fleet, journal = asked(plan(False, 1, 3), 2.0)
    assert [(scope, subject) for _, _, scope, subject, _ in journal.metrics] == [
        ("global", "model"),
        ("client", "1"),
        ("client", "3"),
    ]
    assert [(probe.rows, probe.local) for probe in fleet.probes] == [(40, False)] * 3
    assert evaluator.last == {"told": 19.2}


def test_on_their_own_tests_clients_are_measured_before_they_have_kept_anything() -> None:
    """Two answer 1 + 1 = 2 at step 3: 100 + 30 + 1 + 0.2 and 100 + 30 + 3 + 0.2."""
    _, fleet, journal = asked(plan(True, 1, 3), 3.0)
    assert journal.metrics == [
        (3.0, 0, "global", "model", {"told": 29.2, "samples": 40.0}),
        (3.0, 0, "personal", "1", {"told": 131.2, "samples": 10.0}),
        (3.0, 0, "personal", "3", {"told": 133.2, "samples": 10.0}),
        (3.0, 0, "fleet", "mean", {"told": 132.2, "samples": 20.0}),
    ]
    assert [(probe.client.step, probe.rows, probe.personal, probe.local) for probe in fleet.probes] == [
        (3, 40, False, False),
        (3, 10, True, True),
        (3, 10, True, True),
    ]


def test_the_fleet_is_what_a_run_shows() -> None:
    assert asked(plan(True, 1, 3), 3.0)[0].last == {"told": 132.2}


def test_each_moment_has_a_mean_of_its_own() -> None:
    _, _, journal = asked(plan(True, 1, 3), 0.0, 1.0, 2.0, 3.0)
    means = [(version, values["told"]) for _, version, scope, _, values in journal.metrics if scope == "fleet"]
    assert means == [(0, 102.2), (1, 112.2), (2, 122.2), (3, 132.2)]


def test_a_client_answers_to_the_rows_of_its_step() -> None:
    @dataclass(frozen=True)
    class Reading(Counting):
        def predictor(self, tree: Tree, kept: Tree, client: Client) -> Any:
            return lambda samples: samples.inputs["x"][:, 0].tolist()

    _, _, journal = asked(plan(True, 1), 5.0, method=Reading())
    assert [values["told"] for *_, values in journal.metrics] == [49.0, 151.5, 151.5]


def test_a_method_may_show_something_else_than_it_assigns() -> None:
    @dataclass(frozen=True)
    class Showing(Counting):
        def shown(self, state: Tree, client: Client) -> Tree:
            return {"w": torch.full((2,), float(client.id))}

    _, fleet, _ = asked(plan(True, 3), 0.0, method=Showing())
    assert [probe.tree["w"].tolist() for probe in fleet.probes] == [[-1.0, -1.0], [3.0, 3.0]]
