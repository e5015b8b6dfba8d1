"""Results of the study of ECLM that no run has made."""

from dataclasses import replace
from pathlib import Path

from mlecs_ray.scenario.overrides import apply
from scenarios.reproduce.cells import Cell
from scenarios.reproduce.eclm.base import SCENARIO
from scenarios.reproduce.eclm.cells import table
from scenarios.reproduce.eclm.submodels import SUBMODELS
from scenarios.reproduce.effort import Effort
from scenarios.reproduce.found import Found
from scenarios.reproduce.measures import Result, Traffic
from scenarios.reproduce.store import Store
from tests.scenarios.reproduce.fake import Measure, filled

BASE = apply(SCENARIO, {"merges": 40, "clients.count": 500, "method.options": {}})
"""The real one may be tuned."""
ROW, OTHER = "mnist10k, 5 classes", "syllables, 5 classes"
MODEL = 1000.0
"""Bytes of the whole network."""


def held(most: float = 0.5) -> dict[str, dict[str, float]]:
    """Sub-models of which the largest, on strong phones, have this share of the network's memory."""
    shares = {"most": most, "mean": most / 2, "least": most / 5, "most, phone-high": most, "most, phone-low": most / 2}
    return {
        subject: {"memory": share, "compute": share / 2, "bandwidth": share / 4} for subject, share in shares.items()
    }


def result(accuracy: float, moved: float = 0.0, seconds: float = 1.0, most: float = 0.5) -> Result:
    """A fleet that rises from 0.1 by way of the mean, while ``moved`` bytes a job are sent and come back in 10 jobs."""
    metric = {"accuracy": accuracy}
    middle = (0.1 + accuracy) / 2
    traffic = Traffic(10, {"shared": moved}, {"shared": moved}, MODEL, 0)
    return Result(
        first={"fleet": {"mean": {"accuracy": 0.1}}},
        final={"fleet": {"mean": metric}, SUBMODELS: held(most)},
        curve=[(0.0, 0.1), (5.0, middle), (10.0, accuracy)],
        traffic=traffic,
        virtual_seconds=10.0,
        merges=40,
        staleness=0.5,
        real_seconds=42.0,
        effort=Effort(0.2 * seconds, 0.5 * seconds, 0.3 * seconds, moved),
        spent=[0.0, 10 * moved, 20 * moved],
    )


def stepped(values: list[float], period: float, seconds: float = 1.0) -> Result:
    """One value in each step, at three quarters of it, and a low one at its start."""
    curve = [
        point for step, value in enumerate(values) for point in ((step * period, 0.1), ((step + 0.75) * period, value))
    ]
    return replace(result(values[-1], 0.0, seconds), curve=curve, spent=[0.0] * len(curve))


def found(path: Path, measure: Measure, seeds: tuple[int, ...] = (0, 1)) -> Found:
    """The whole table, ``filled``."""
    return filled(Found(BASE, table(BASE), seeds, Store(path / "eclm.json")), measure)


def by_name(values: dict[str, float], group: str = "table", settings: tuple[str, ...] = (ROW, OTHER)) -> Measure:
    """Methods or variants that were run in these settings, each with its accuracy, 0.01 more with the second seed."""

    def measured(cell: Cell, seed: int) -> Result | None:
        if cell.group != group or cell.setting not in settings or cell.name not in values:
            return None
        return result(values[cell.name] + 0.01 * seed, 100.0)

    return measured
