"""What each method learns from the cloud's public samples before the first job, by its resolved options."""

from typing import Any

from bench.document import table
from mlecs_ray.scenario.adapting import ADAPTING
from mlecs_ray.scenario.compose import hyperparameters
from mlecs_ray.scenario.config import Scenario
from scenarios.reproduce import words
from scenarios.reproduce.eclm.rows import OURS
from scenarios.reproduce.found import Found


def resolved(scenario: Scenario) -> dict[str, Any]:
    """All options of its method, those that are not set as they are by default."""
    method = scenario.method
    usual = hyperparameters(ADAPTING[method.name]) if method.name in ADAPTING else {}
    return {**usual, **method.options}


def stages(scenario: Scenario) -> list[int]:
    """Epochs of each stage that comes after the pretraining that all have."""
    options = resolved(scenario)
    match scenario.method.name:
        case name if name == OURS:
            second = [] if "enhancing" in options["without"] else [options["enhance_epochs"]]
            # Its first stage is as long as the pretraining.
            return [scenario.task.pretrain_epochs, *second]
        case "adaptivenet":
            return [options["branch_epochs"]]
        case "heterofl":
            return [options["offline_epochs"]]
    return []


def offline_table(found: Found) -> str:
    """A row for each of the table's."""
    names = found.names("table")
    rows = [[row, *_row(found, row, names)] for row in found.settings("table")]
    return table(["offline epochs: pretraining + stages", *map(words.method, names)], rows)


def _row(found: Found, row: str, names: list[str]) -> list[str]:
    cells = [found.cell("table", name, row) for name in names]
    ones = [found.scenarios(cell)[found.seeds[0]] if cell else None for cell in cells]
    return [_told([one.task.pretrain_epochs, *stages(one)]) if one else "-" for one in ones]


def _told(epochs: list[int]) -> str:
    return f"{epochs[0]}" if len(epochs) == 1 else f"{' + '.join(map(str, epochs))} = {sum(epochs)}"
