"""Results that no run has made, and a runner that makes them at once."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply
from scenarios.captions import SCENARIO
from scenarios.reproduce.cells import Cell
from scenarios.reproduce.found import Found
from scenarios.reproduce.measures import Result, Traffic
from scenarios.reproduce.mlecs.cells import table
from scenarios.reproduce.runs import Ran
from scenarios.reproduce.store import Made, Record, Store

BASE = apply(
    SCENARIO,
    {
        "merges": 60,
        "clients.count": 5,
        "schedule": {"concurrency": 5},
        "evaluation.clients": 5,
        "evaluation.metrics": ["rouge_lsum", "rouge_lsum_content"],
    },
)
"""The real one may be tuned."""
SOURCE = "source 0123456789ab"
MADE = Made("2026-01-01", "2 cores", "torch 2")
TRAFFIC = Traffic(30, {"lora": 200.0, "anchors": 100.0}, {"lora": 200.0}, 100_000.0, 300_000)


def result(
    clients: dict[str, float], cloud: float | None = None, metric: str = "rouge_lsum", traffic: Traffic = TRAFFIC
) -> Result:
    """Each client's own value, and the cloud's."""
    final = {"personal": {client: {metric: value} for client, value in clients.items()}}
    if cloud is not None:
        final["cloud"] = {"cloud": {metric: cloud}}
    first = {"global": {"edge-small": {metric: 0.1}}}
    curve = [(0.0, 0.1), (10.0, sum(clients.values()) / len(clients))]
    return Result(first, final, curve, traffic, 10.0, 60, 1.5, 42.0)


Measure = Callable[[Cell, int], Result | None]
STRENGTH = {"mlecs": 0.5, "standalone": 0.3, "fedilora": 0.4}


def rates(cell: Cell, seed: int) -> Result | None:
    """Ours is best; client 1 and later seeds are better; the third method has no cloud model."""
    if cell.group != "rates" or cell.name not in STRENGTH:
        return None
    value = STRENGTH[cell.name] + 0.01 * seed
    clients = {"0": value, "1": value + 0.1 + 0.01 * seed * (cell.name == "mlecs")}
    return result(clients, None if cell.name == "fedilora" else value)


def found(path: Path, measure: Measure, seeds: tuple[int, ...] = (0, 1), base: Scenario = BASE) -> Found:
    """The whole table of ML-ECS, ``filled``."""
    return filled(Found(base, table(base), seeds, Store(path / "mlecs.json")), measure)


def filled(made: Found, measure: Measure) -> Found:
    """With what ``measure`` says of a cell and a seed; None: it was not run."""
    for cell in made.cells:
        for seed, digest in made.digests(cell).items():
            if (one := measure(cell, seed)) is not None:
                made.store.runs[digest] = Record(cell.what, seed, 60.0, MADE, one)
    return made


class FakeRunner:
    """Gives every run what ``measured`` says of it; ``breaks`` tells which fail, ``interrupts`` at which the user
    stops, ``lacks`` what none can do without."""

    def __init__(
        self,
        breaks: Callable[[Scenario], bool] = lambda _: False,
        interrupts: Callable[[Scenario], bool] = lambda _: False,
        lacks: str = "",
        measured: Callable[[Scenario], Result] = lambda one: result(
            {"0": 0.3, "1": 0.5}, 0.4, one.evaluation.metrics[0]
        ),
    ) -> None:
        self.breaks, self.interrupts, self.lacks, self.measured = breaks, interrupts, lacks, measured
        self.made: list[Scenario] = []
        self.stopped = False

    def __call__(self, scenario: Scenario) -> Ran:
        self.made.append(scenario)
        if self.interrupts(scenario):
            raise KeyboardInterrupt
        if self.breaks(scenario):
            raise InputError(f"{scenario.method.name} broke")
        return Ran(60.0, self.measured(scenario), SOURCE)

    def check(self, scenarios: Sequence[Scenario]) -> None:
        if self.lacks:
            raise InputError(f"{self.lacks} was never fetched")

    def stop(self) -> None:
        self.stopped = True
