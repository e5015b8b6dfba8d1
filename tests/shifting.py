"""The smallest fleet whose environments shift, for whatever runs one: seconds."""

from typing import Any

from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply
from scenarios.shifting_edge import SCENARIO

SMALL = {
    "seconds": 1.5,
    "clients.count": 8,
    "task.hidden": [8, 8],
    "task.pretrain_epochs": 1,
    "evaluation.clients": 2,
    "schedule.concurrency": 4,
    "schedule.buffer": 2,
    "variants": {},
}
OPTIONS = {"eclm": {"enhance_epochs": 1, "modules": 4}, "adaptivenet": {"branch_epochs": 1}}


def small(method: str, **changes: Any) -> Scenario:
    """Of this method; ``changes`` by key."""
    return apply(SCENARIO, {**SMALL, "method": {"name": method, "options": OPTIONS.get(method, {})}, **changes})
