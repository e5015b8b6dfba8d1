"""The table of the study as values: what is compared with what, and in what each run differs from the base scenario."""

from collections.abc import Iterator, Mapping
from typing import Any

from mlecs_ray.scenario.compose import KINDS
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.names import SYSTEMS
from scenarios.reproduce.cells import Cell, Changes
from scenarios.reproduce.options import STUDIES
from scenarios.reproduce.schedules import called, schedule

SEEDS = tuple(range(STUDIES["mlecs"].seeds))
"""Seed s tests on fold s, so that together they test every identity once."""
OURS = "mlecs"
RATES = (0.5, 0.7, 0.9)
"""The chance that a client has a modality."""
RATE = 0.7
"""Of every group but ``rates``."""
COUNTS = (3, 5, 10, 20)
PERIOD, END = 5.0, 28.0
"""Virtual seconds after which sensors fail and return, and at which runs with such sensors end: in the midst of a
period, so that all methods are measured with the same sensors."""
POINTS = 6
"""Of a curve over virtual time."""
RULES = ("mean", "hetlora", "flexlora", "flora")
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "whole": {},
    "without CCL": {"without": ["ccl"]},
    "without AMT": {"without": ["amt"]},
    "without MMA": {"without": ["mma"]},
    "without SE-CCL": {"without": ["seccl"]},
    "without contrast on private samples": {"own": 0.0},
    "replaced by what is sent": {"pull": 1.0},
    "contrast alone": {"nearness": 0.0},
    "volume alone": {"orientation": 0.0, "nearness": 0.0},
    "without words": {"words": False},
    "without our additions": {"orientation": 0.0, "nearness": 0.0, "words": False, "own": 0.0, "pull": 1.0},
}
"""The whole method and what is left of it, by its options; the last has what the paper has and no more."""
UNLIKE: Mapping[str, Any] = {
    "task.slms": ["edge-base", "edge-small"],
    "task.ranks": {"edge-small": 2},
    "clients.structures": {"jetson-nano": "edge-small", "phone-high": "edge-base"},
}
"""Devices of two depths, encoders and ranks: where adapters are of one shape, most rules of merging are one. The first
structure is that of the model on the server, which holds all layers and ranks."""
SETTINGS: Mapping[str, tuple[str, Changes, Changes]] = {
    "ML-ECS": (OURS, {}, {}),
    "ML-ECS, twice the rate": (OURS, {}, {"local.lr": 0.004}),
    "Standalone, twice the rate": ("standalone", {}, {"local.lr": 0.004}),
    "Multi-FedAvg, pull 0.3": ("multifedavg", {"pull": 0.3}, {}),
    "FediLoRA, edits below 0.999": ("fedilora", {"similar": 0.999}, {}),
    "FedMLLM, usual prompt": ("fedmllm", {"told": False}, {}),
    "CreamFL, no memory": ("creamfl", {"memory": 0.0}, {}),
    "Co-PLMs, mutual 0.3": ("coplms", {"mutual": 0.3}, {}),
    "Co-PLMs, mutual 3": ("coplms", {"mutual": 3.0}, {}),
}
"""By title the method, its options and other changes: settings of the other methods beside those of their papers. Ours
were chosen by looking, so theirs must be looked at."""
VARYING = (OURS, "standalone", "multifedavg")
CLASS_METRICS = ("macro_f1", "accuracy")
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "stamps": {"task.instruction": "Category:"},
    "watch": {
        "data.name": "watch",
        "data.modalities": ["accelerometer", "gyroscope"],
        "data.partition": "domain",
        "task.instruction": "Exercise:",
    },
}
"""The data sets that are classified in words, and what they need."""


def table(base: Scenario) -> list[Cell]:
    """Every cell, group by group. In the groups of variants the first is the one that the others are held against."""
    makers = (_rates, _unlike, _ablations, _merges, _scale, _clock, _varying, _classes, _settings, _class_ablations)
    return [cell for make in makers for cell in make(base)]


def quick() -> list[Cell]:
    """The smallest table that has all that the study needs: minutes, and nothing to be read from its figures."""
    few = {"merges": 3, "schedule.buffer": 1, "local.steps": 2, "evaluation.rows": 16}
    names = (OURS, "standalone", "multifedavg")
    return [Cell("rates", name, _rate(RATE), {**_masks(RATE), "method": {"name": name}, **few}) for name in names]


def _rates(base: Scenario) -> Iterator[Cell]:
    for rate in RATES:
        for name in SYSTEMS:
            yield Cell("rates", name, _rate(rate), {**_method(base, name), **_masks(rate)})


def _unlike(base: Scenario) -> Iterator[Cell]:
    for name in SYSTEMS:
        yield Cell("unlike", name, "unlike devices", {**_method(base, name), **_masks(RATE), **UNLIKE})


def _ablations(base: Scenario) -> Iterator[Cell]:
    return (Cell("ablations", name, _rate(RATE), _ours(base, **chosen)) for name, chosen in VARIANTS.items())


def _merges(base: Scenario) -> Iterator[Cell]:
    """What is sent replaces what a device has under every rule, as some allow nothing else."""
    for rule in RULES:
        yield Cell("merges", rule, "unlike devices", {**_ours(base, rule=rule, pull=1.0), **UNLIKE})


def _scale(base: Scenario) -> Iterator[Cell]:
    """The same share of the fleet trains at once, and is merged at once; every client has as many jobs."""
    usual = base.schedule
    for count in COUNTS:
        share = count / base.clients.count
        # One by one is one by one in any fleet.
        buffer = 1 if usual.buffer == 1 else max(1, round(usual.buffer * share))
        concurrency = max(buffer, round(usual.concurrency * share))
        fleet = {"clients.count": count, "evaluation.clients": count}
        changes = {**_ours(base), **fleet, **schedule(usual.barrier, buffer, concurrency)}
        yield Cell("scale", f"{count} clients", "mlecs", {**changes, **_budget(base, OURS, share, buffer)})


def _clock(base: Scenario) -> Iterator[Cell]:
    """The base's own schedule first."""
    count = base.clients.count
    usual = (base.schedule.barrier, base.schedule.buffer)
    for barrier, buffer in dict.fromkeys([usual, (False, 1), (False, max(2, count // 2)), (True, count)]):
        concurrency = max(buffer, base.schedule.concurrency)
        budget = _budget(base, OURS, 1.0, buffer)
        changes = {**_ours(base), **schedule(barrier, buffer, concurrency), **budget, **_curve(base, budget)}
        yield Cell("clock", called(barrier, buffer), _rate(RATE), changes)


def _varying(base: Scenario) -> Iterator[Cell]:
    ends = {"merges": None, "seconds": END}
    masks = {**_masks(RATE), "clients.masks.kind": "varying", "clients.masks.period": PERIOD, **ends}
    for name in VARYING:
        yield Cell("varying", name, "sensors that fail and return", {**_method(base, name), **masks})


def _classes(base: Scenario) -> Iterator[Cell]:
    for data in ANSWERS:
        for name in SYSTEMS:
            yield Cell("classes", name, data, {**_method(base, name), **_masks(RATE), **_in_words(data)})


def _settings(base: Scenario) -> Iterator[Cell]:
    for title, (name, chosen, changes) in SETTINGS.items():
        method = _method(base, name, **chosen)
        yield Cell("settings", title, "stamps", {**method, **_masks(RATE), **_in_words("stamps"), **changes})


def _class_ablations(base: Scenario) -> Iterator[Cell]:
    for name, chosen in VARIANTS.items():
        yield Cell("class-ablations", name, "stamps", {**_ours(base, **chosen), **_in_words("stamps")})


def _in_words(data: str) -> Changes:
    measured = {"task.answer": "class", "evaluation.metrics": list(CLASS_METRICS), "evaluation.target": None}
    return {**measured, **ANSWERS[data]}


def _rate(rate: float) -> str:
    return f"rate {rate:g}"


def _masks(rate: float) -> Changes:
    return {"clients.masks.rate": rate}


def _ours(base: Scenario, **options: Any) -> Changes:
    return {**_method(base, OURS, **options), **_masks(RATE)}


def _method(base: Scenario, name: str, **options: Any) -> Changes:
    own = base.method.options if base.method.name == name else {}
    return {"method": {"name": name, "options": {**own, **options}}, **_budget(base, name, 1.0, base.schedule.buffer)}


def _budget(base: Scenario, name: str, share: float, buffer: int) -> Changes:
    """As many merges of ``buffer`` jobs as give every method the same number of edge jobs, times ``share``.

    The base counts those of ours, where the cloud's own job is a merge too, after each of the clients'. Without
    ``merges`` the runs end by virtual time, the same for all.
    """
    if base.merges is None:
        return {}
    jobs = base.merges / _merges_a_round(OURS) * base.schedule.buffer
    return {"merges": max(1, round(jobs * share / buffer)) * _merges_a_round(name)}


def _merges_a_round(name: str) -> int:
    return 2 if KINDS[name]().parts().cloud_trains else 1


def _curve(base: Scenario, budget: Changes) -> Changes:
    """Measured often enough for a curve, always right after a job of the cloud."""
    if "merges" not in budget:
        return {"evaluation.every_seconds": base.seconds / POINTS}
    each = _merges_a_round(OURS)
    return {"evaluation.every_merges": each * max(1, budget["merges"] // each // POINTS)}
