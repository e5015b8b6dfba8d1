"""The table of the study as values: which students, teachers and fleets are compared."""

from collections.abc import Iterator, Mapping

from mlecs_ray.scenario.config import Scenario
from scenarios.person_search import SCENARIO as FLEET
from scenarios.reproduce.cells import Cell, Changes
from scenarios.reproduce.options import STUDIES
from scenarios.reproduce.reid.base import METRICS

SEEDS = tuple(range(STUDIES["reid"].seeds))
SETTING = "emoji"
WHOLE, COSINE, ALONE, EYES = "PCM + FR + CM", "CM", "alone", "the teacher's eyes, alone"
RULES: Mapping[str, tuple[float, float, float]] = {
    WHOLE: (0.29, 0.35, 0.35),
    "PCM + FR": (0.0, 0.49, 0.50),
    "PCM + CM": (0.49, 0.50, 0.0),
    "FR + CM": (0.49, 0.0, 0.50),
    COSINE: (0.99, 0.0, 0.0),
    "PCM": (0.0, 0.99, 0.0),
    "FR": (0.0, 0.0, 0.99),
}
"""Weights of CM, PCM and FR, beside 0.01 of what identity teaches: the paper's, its code's (PCM + FR), and ours of the
same sum."""
ENERGY = "95 % of the energy"
COMPONENTS = (5, 20, 100)
"""Beside the paper's 50."""
LOSSES: Mapping[str, tuple[float, float, float]] = {
    "ID + triplet + SDM": (0.25, 1.0, 1.0),
    "triplet + SDM": (0.0, 1.0, 1.0),
    "ID + SDM": (0.25, 0.0, 1.0),
    "ID + triplet": (0.25, 1.0, 0.0),
    "ID": (0.25, 0.0, 0.0),
    "triplet": (0.0, 1.0, 0.0),
    "SDM": (0.0, 0.0, 1.0),
}
"""Weights of what identity teaches the student in its first stage; the first is the paper's."""
PATTERNS = ("last2", "last4-even", "fourth-last", "none")
OURS = "mllmembedreid"
FLEETS: Mapping[str, Changes] = {
    OURS: {},
    "without anchor": {"method.options.anchor": 0.0},
    "without the cloud's steps": {"method.options.again": 0},
    "fedavg": {"method": "fedavg"},
    "FedAvg, untaught": {"method": "fedavg", "reid.student.taught_steps": 0},
}
SHORT: Changes = {"reid.teacher.layers": 10, "reid.teacher.steps": 60}
"""Of a teacher that a fleet waits for: a third of SmolLM2."""
_QUICK: Changes = {
    "reid.teacher.layers": 2,
    "reid.teacher.steps": 3,
    "reid.teacher.words_steps": 20,
    "reid.teacher.eye_steps": 5,
    "reid.student.alone_steps": 10,
    "reid.student.taught_steps": 10,
    "data.public_share": 0.1,
}


def table(base: Scenario) -> list[Cell]:
    """Every cell, group by group; the first of a group is what the others are held against."""
    return [*_distillation(base), *_losses(), *_components(base), *_adapters(), *_fleet()]


def quick() -> list[Cell]:
    """The smallest table that has all that the study needs: minutes, and nothing to be read from its figures."""
    chosen = (WHOLE, COSINE)
    return [Cell("distillation", name, SETTING, {**_rules(name), **_QUICK}) for name in chosen]


def _rules(name: str) -> Changes:
    cm, pcm, fr = RULES[name]
    return {"reid.distillation.cm": cm, "reid.distillation.pcm": pcm, "reid.distillation.fr": fr}


def _distillation(base: Scenario) -> Iterator[Cell]:
    for name in RULES:
        yield Cell("distillation", name, SETTING, _rules(name))
    student = base.reid.student
    longer = {"reid.student.alone_steps": student.alone_steps + student.taught_steps}
    yield Cell("distillation", ALONE, SETTING, {**_untaught(), **longer})
    eyes = {"reid.student.side": base.reid.teacher.eye_side, "reid.student.alone_steps": base.reid.teacher.eye_steps}
    yield Cell("distillation", EYES, SETTING, {**_untaught(), **eyes})


def _untaught() -> Changes:
    """What needs a teacher is not measured."""
    return {"reid.student.taught_steps": 0, "evaluation.metrics": _own_metrics()}


def _own_metrics() -> list[str]:
    return [name for name in METRICS if not name.endswith("cloud")]


def _losses() -> Iterator[Cell]:
    for name, (identity, triplet, sdm) in LOSSES.items():
        weights = {"id": identity, "triplet": triplet, "sdm": sdm}
        changes = {f"reid.identity.{key}": value for key, value in weights.items()}
        yield Cell("losses", name, SETTING, {**_untaught(), **changes})


def _components(base: Scenario) -> Iterator[Cell]:
    """Of the paper's rule with other numbers of principal components."""
    usual = base.reid.distillation.components
    for components in (usual, *COMPONENTS):
        changes = {**_rules(WHOLE), "reid.distillation.components": components}
        yield Cell("components", f"{components}", SETTING, changes)
    yield Cell("components", ENERGY, SETTING, {**_rules(WHOLE), "reid.distillation.energy": 0.95})


def _adapters() -> Iterator[Cell]:
    """Which layers of the teacher adapt in their MLP; the student is of no account."""
    for pattern in PATTERNS:
        changes = {**SHORT, "reid.teacher.mlp": pattern, "reid.student.alone_steps": 1, "reid.student.taught_steps": 1}
        yield Cell("adapters", pattern, SETTING, changes)


def _fleet() -> Iterator[Cell]:
    """The fleet of ``person_search``, measured by the study's metrics."""
    raw = FLEET.model_dump(mode="json")
    usual = {key: raw[key] for key in ("seconds", "merges", "clients", "reid", "local", "schedule", "method")}
    data = {f"data.{key}": raw["data"][key] for key in ("public_share", "partition", "per_client")}
    for name, changes in FLEETS.items():
        untaught = {"evaluation.metrics": _own_metrics()} if "reid.student.taught_steps" in changes else {}
        every = {"evaluation.every_merges": FLEET.evaluation.every_merges}
        yield Cell("fleet", name, SETTING, {**usual, **data, **every, **changes, **untaught})
