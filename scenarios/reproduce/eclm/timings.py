"""What is timed for the page: the networks of the rows that were run, and one as large as the paper's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.document import table
from mlecs_ray.methods.eclm.options import ECLM
from mlecs_ray.models.classifier import ClassifierTask, Network
from mlecs_ray.models.decompose import Grain
from mlecs_ray.report.units import BYTES, number, size
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.deal import deal
from mlecs_ray.scenario.learn import make_task
from scenarios.reproduce import words
from scenarios.reproduce.eclm.cost import (
    ANSWER,
    FLOPS,
    MEASURES,
    MEMORY,
    MODEL_MEMORY,
    PEAK,
    RESNET18,
    STEP,
    WHOLE,
    Costs,
    costs,
)
from scenarios.reproduce.eclm.rows import OURS
from scenarios.reproduce.found import Found
from scenarios.reproduce.plan import short
from scenarios.reproduce.store import Made, Timing

Measure = Callable[[Network, Grain, int], Costs]


@dataclass(frozen=True)
class Timed:
    """A network to be timed."""

    title: str
    options: ECLM
    network: Callable[[], Network]
    """Reads data, for its shape."""
    run: bool
    """Whether there are results that it stands beside."""


def timed(found: Found) -> Mapping[str, Timed]:
    """By the names that timings are kept under: each network once, whatever classes its row has."""
    networks: dict[str, Timed] = {}
    for cell in found.group("table"):
        if cell.name == OURS:
            scenario = found.scenarios(cell)[found.seeds[0]]
            key, one = _named(scenario), _timed(scenario, bool(found.results(cell)))
            networks[key] = one if one.run or key not in networks else networks[key]
    # Whoever looks quickly need not wait for it.
    if found.group("sizes"):
        options, run = options_of(found.base), any(one.run for one in networks.values())
        networks[short(["resnet18", repr(options.grain), options.top, MEASURES])] = Timed(
            "resnet of ResNet18's size", options, lambda: RESNET18, run
        )
    return networks


def _timed(scenario: Scenario, run: bool) -> Timed:
    task = scenario.task
    title = f"{task.network} {list(task.hidden)} of `{scenario.data.name}`"
    return Timed(title, options_of(scenario), partial(network_of, scenario), run)


def _named(scenario: Scenario) -> str:
    """The same for all runs whose sub-models are of one shape."""
    options, task = options_of(scenario), scenario.task
    data = [scenario.data.name, scenario.data.path, scenario.data.modalities]
    return short([data, task.network, task.hidden, repr(options.grain), options.top, MEASURES])


def options_of(scenario: Scenario) -> ECLM:
    """Those of ECLM, whatever the scenario's method is."""
    chosen = scenario.method.options if scenario.method.name == OURS else {}
    ready: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in chosen.items()}
    return ECLM(**ready)


def network_of(scenario: Scenario) -> Network:
    """The whole network, with the shapes of the scenario's data."""
    task = make_task(scenario, deal(scenario)[0].shape)
    assert isinstance(task, ClassifierTask)
    return task.network


def fill(found: Found, made: Made | None, measure: Measure = costs) -> None:
    """Time what is missing; nothing where the page alone was asked for (``made`` is None)."""
    for key, one in timed(found).items():
        if made is not None and one.run and key not in found.store.timings:
            rows = measure(one.network(), one.options.grain, one.options.top)
            found.store.put_timing(key, Timing(made, rows))


def timing_tables(found: Found) -> list[str]:
    """A table for each network, and where it was timed."""
    parts = []
    for key, one in timed(found).items():
        if (timing := found.store.timings.get(key)) is not None:
            parts += [_table(one.title, timing), f"{timing.made.date}, {timing.made.machine}; {timing.made.versions}."]
    return parts or [f"Times: {words.NOT_RUN}."]


def complete(found: Found) -> bool:
    """Whether every network of the table was timed."""
    return found.store.timings.keys() >= timed(found).keys()


def shares(found: Found, what: str) -> list[float]:
    """Of all that were timed, what a sub-model has of the whole network's."""
    timings = (found.store.timings[key] for key in timed(found) if key in found.store.timings)
    every = [(name, row, timing.rows[WHOLE]) for timing in timings for name, row in timing.rows.items()]
    return [row[what] / whole[what] for name, row, whole in every if name != WHOLE and what in row]


def _table(title: str, timing: Timing) -> str:
    whole = timing.rows[WHOLE]
    written: Mapping[str, Callable[[float], str]] = {
        STEP: _milliseconds,
        ANSWER: _milliseconds,
        PEAK: lambda value: size(value, BYTES),
        MEMORY: lambda value: size(value, BYTES),
        FLOPS: lambda value: f"{number(value / 1e6, 3)} MFLOP",
        MODEL_MEMORY: lambda value: size(value, BYTES),
    }
    rows = [
        [name, *(f"{write(row[what])} ({row[what] / whole[what]:.3f})" for what, write in written.items())]
        for name, row in timing.rows.items()
    ]
    header = [title, "training step", "answer", "memory: measured", "counted", "device model: step", "and memory"]
    return table(header, rows)


def _milliseconds(seconds: float) -> str:
    return f"{number(1e3 * seconds, 3)} ms"
