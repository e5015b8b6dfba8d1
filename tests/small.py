"""``smoke`` in a fraction of a second, as options of the command line and as a value."""

from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply, parse
from scenarios.smoke import SCENARIO as SMOKE

SMALL = {
    "clients.count": "6",
    "schedule.concurrency": "4",
    "schedule.buffer": "2",
    "local.epochs": "1",
    "evaluation.every_merges": "4",
    "runtime.checkpoint_every": "3",
    "merges": "8",
}
SHIFTING = {
    "data.partition": "environments",
    "data.environments": {
        "classes": 3,
        "contexts": 4,
        "corruptions": ["none", "rotate", "noise"],
        "least": 20,
        "most": 30,
        "test_rows": 40,
        "shifts": 3,
        "period": 0.1,
        "spread": 0.5,
    },
    "evaluation.clients": 2,
    "evaluation.local": True,
}
"""Changes of a scenario on digits: what surrounds clients shifts, early in the run."""

PICTURES = {
    "data.public_share": 0.1,
    "task.kind": "network",
    "task.network": "resnet",
    "task.hidden": [4, 8, 8],
    "task.pretrain_epochs": 1,
}
"""Changes of a scenario on digits: they are pictures, of which the cloud knows a little."""
MODULES = {"modules": 4, "ratio": 0.5, "enhance_epochs": 1}
"""Options of ``eclm`` for them."""


def small_scenario(**changes: object) -> Scenario:
    """``__`` stands for the dot of a key."""
    dotted = {key.replace("__", "."): value for key, value in changes.items()}
    settings = dict(parse(f"{key}={value}") for key, value in SMALL.items())
    return apply(SMOKE, {**settings, "runtime.backend": "local", **dotted})
