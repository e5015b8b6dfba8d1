"""How far the fleet can grow: time per update, events per second, memory."""

from pathlib import Path
from typing import Any

from bench import captions
from bench.case import Case, Column, figure, longer, runs
from bench.cases import engine
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply

FEW, MANY = "100 clients, digits", "100,000 clients, digits"
MILLION, STAMPS = "1,000,000 clients, 10,000 at once, toy", "1,000 clients, stamps with the SLM, 2 Ray actors"
ABOUT = """All are ours. Digits: as in `engine`, on the local fleet, one by one, each client holding 14 samples of its
own draw, so that only the number of clients differs. Toy: a method whose training is one addition (`bench/toy.py`),
10,000 clients running at once, a merge of every 100 updates; events per second are the rows of the event log over the
seconds of the loop, seen while it runs. Stamps: as in `lora`, 1,000 clients. Memory is the most that was seen, once a
second, of the proportional set sizes of all processes of the run, Ray's own too."""
MS = Column("ms_per_update", "ms per update")
EVENTS = Column("events_per_second", "events per second", ",.0f")
MEMORY = Column("pss_bytes", "memory, GB", ".3g", 1e-9)


def digits(clients: int, rounds: int) -> Scenario:
    """The task of ``engine`` for any number of clients."""
    return apply(engine.scenario(rounds), {"clients.count": clients, "data.per_client": 14})


def toy(clients: int, at_once: int, merges: int) -> Scenario:
    """Nothing but events."""
    changes: dict[str, Any] = {
        "method": f"{Path(__file__).parents[1] / 'toy.py'}:Toy",
        "clients.count": clients,
        "clients.jitter": 0.3,
        "data.per_client": 1,
        "schedule": {"concurrency": at_once, "buffer": min(100, at_once)},
        "evaluation.rows": 1,
        "guard": {},
        "runtime.cohort": min(100, at_once),
    }
    return apply(engine.scenario(merges), changes)


def case(quick: bool) -> Case:
    """Growth, a million, and language models."""
    many, million, at_once, merges, rounds = (
        (1000, 10_000, 1000, 50, 50) if quick else (100_000, 10**6, 10**4, 2000, 500)
    )
    stamps = apply(captions.scenario(2, clients=1000), {"runtime.backend": "ray", "runtime.actors": 2})
    contenders = [
        runs(FEW, digits(100, rounds)),
        runs(MANY, digits(many, rounds)),
        runs(MILLION, toy(million, at_once, merges), memory=True),
    ]
    if not quick:
        contenders.append(runs(STAMPS, stamps, memory=True))
    targets = (
        longer(MANY, FEW, 1.1),
        figure(MILLION, EVENTS, 20_000, True, "a second"),
        figure(MILLION, MEMORY, 2.0, False, "GB"),
        figure(STAMPS, MEMORY, 4.0, False, "GB"),
    )
    return Case("population", "More clients", ABOUT, tuple(contenders), (MS, EVENTS, MEMORY), targets)
