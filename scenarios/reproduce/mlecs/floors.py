"""What simple rules reach that see all training data at once, private and public, on the test rows of each fold."""

from collections.abc import Callable

from mlecs_ray.metrics.floors import rules
from mlecs_ray.metrics.registry import measure
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.build import judged
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.deal import deal
from scenarios.reproduce.cells import Cell
from scenarios.reproduce.found import Found
from scenarios.reproduce.plan import short
from scenarios.reproduce.statistics import Values
from scenarios.reproduce.store import Floors


def floors(scenario: Scenario) -> Floors:
    """Rule -> metric -> value, on the rows that the scenario's runs are measured on."""
    dataset = deal(scenario)[0]
    parts = [part for part in (dataset.train, dataset.public) if len(part)]
    test, names = judged(scenario, dataset), scenario.evaluation.metrics
    return {
        rule: {metric: round(value, 6) for metric, value in measure(names, answers, test).items()}
        for rule, answers in rules(Samples.concat(parts), test).items()
    }


def key(scenario: Scenario) -> str:
    """The same for all runs whose rules see the same data."""
    raw = scenario.model_dump(mode="json")
    data = {name: raw["data"][name] for name in ("name", "path", "modalities", "test_share", "public_share", "fold")}
    drawn = scenario.seed if scenario.data.fold is None else None
    measured = raw["evaluation"]["rows"], raw["evaluation"]["metrics"], raw["task"]["kind"], raw["task"]["answer"]
    return short([data, drawn, measured])


def fill(found: Found, cells: list[Cell], compute: Callable[[Scenario], Floors] = floors) -> None:
    """Compute and keep what is missing, for the folds of which a run was made."""
    for cell in cells:
        for seed in found.results(cell):
            scenario = found.scenarios(cell)[seed]
            if key(scenario) not in found.store.floors:
                found.store.put_floors(key(scenario), compute(scenario))


def reached(found: Found, cell: Cell, metric: str) -> dict[str, Values]:
    """By rule its values on the cell's data, as far as they were computed."""
    values: dict[str, dict[tuple[int, str], float]] = {}
    for seed, scenario in found.scenarios(cell).items():
        known = found.store.floors.get(key(scenario), {})
        for rule, scores in known.items():
            if metric in scores:
                values.setdefault(rule, {})[seed, rule] = scores[metric]
    return dict(values)
