"""Environments that shift again and again: how accurate devices are step by step, and how long they take to adapt."""

import math
from statistics import mean

import numpy as np

from bench.document import table
from mlecs_ray.report.curves import Band, Curve, band
from mlecs_ray.report.units import number
from mlecs_ray.scenario.config import Scenario
from scenarios.reproduce import words
from scenarios.reproduce.eclm.rows import OURS
from scenarios.reproduce.effort import Effort
from scenarios.reproduce.found import Found
from scenarios.reproduce.measures import MEAN, Result
from scenarios.reproduce.statistics import Pair, Paired, Spread, Values, paired, spread

GROUP = "continuous"
LOCAL = "localadaptation"
_ROUNDING = 1e-9


def by_step(result: Result, scenario: Scenario) -> dict[int, float]:
    """The last value that was measured in each step, before the environments shift again."""
    rules = scenario.data.environments
    return {min(rules.shifts, math.floor(seconds / rules.period + _ROUNDING)): value for seconds, value in result.curve}


def _steps(found: Found, name: str, setting: str) -> dict[int, dict[int, float]]:
    """By seed and step."""
    cell = found.cell(GROUP, name, setting)
    if cell is None:
        return {}
    return {seed: by_step(one, found.scenarios(cell)[seed]) for seed, one in found.results(cell).items()}


def bands(found: Found, setting: str) -> dict[str, Band]:
    """Mean and ends over seeds of each method, by step."""
    by = {name: list(_steps(found, name, setting).values()) for name in found.names(GROUP)}
    return {
        words.method(name): band([Curve(np.array(list(one), float), np.array(list(one.values()))) for one in seeds])
        for name, seeds in by.items()
        if seeds
    }


def over_steps(found: Found, name: str, setting: str) -> Values:
    """The mean over the steps, by seed."""
    return {(seed, MEAN): mean(one.values()) for seed, one in _steps(found, name, setting).items() if one}


def seconds(found: Found, name: str, setting: str) -> Values:
    """Virtual seconds that an adaptation takes, by seed: the mean over jobs of download, computing and upload."""
    return {pair: one.seconds for pair, one in _efforts(found, name, setting).items()}


def computing(found: Found, name: str, setting: str) -> Values:
    """The part of them in which the device computes."""
    return {pair: one.compute for pair, one in _efforts(found, name, setting).items()}


def _efforts(found: Found, name: str, setting: str) -> dict[Pair, Effort]:
    results = found.results(found.cell(GROUP, name, setting))
    return {(seed, MEAN): one.effort for seed, one in results.items() if one.effort is not None}


def gain(found: Found, setting: str) -> Paired | None:
    """Ours over local adaptation, of the mean over the steps."""
    return paired(over_steps(found, OURS, setting), over_steps(found, LOCAL, setting))


def duration(found: Found, setting: str) -> Paired | None:
    """How much longer an adaptation of ours takes than a local one."""
    return paired(seconds(found, OURS, setting), seconds(found, LOCAL, setting))


def step_table(found: Found, setting: str) -> str:
    """A row per method."""
    header = [
        setting,
        "accuracy in %, mean over the steps",
        "ECLM over it",
        "adaptation",
        "of it computing",
        "of local adaptation's",
        "jobs of a device in a step",
    ]
    return table(header, [_row(found, name, setting) for name in found.names(GROUP)])


def _row(found: Found, name: str, setting: str) -> list[str]:
    values, times = over_steps(found, name, setting), seconds(found, name, setting)
    pair = paired(over_steps(found, OURS, setting), values) if name != OURS else None
    taken, local = spread(times), spread(seconds(found, LOCAL, setting))
    return [
        words.method(name),
        words.hundredths(spread(values), len(found.seeds)),
        f"{words.points(pair.difference)}, {words.plain_test(pair)}" if pair else "",
        _told(found, taken),
        _told(found, spread(computing(found, name, setting))),
        _relative(found, taken, local),
        _jobs(found, name, setting),
    ]


def _told(found: Found, taken: Spread | None) -> str:
    if not taken:
        return words.NOT_RUN
    return words.of_seeds(f"{number(taken.mean, 3)} s", taken.seeds, len(found.seeds))


def _relative(found: Found, taken: Spread | None, local: Spread | None) -> str:
    if not taken or not local or not local.mean:
        return "-"
    return words.of_seeds(f"{taken.mean / local.mean:.2f} x", min(taken.seeds, local.seeds), len(found.seeds))


def _jobs(found: Found, name: str, setting: str) -> str:
    cell = found.cell(GROUP, name, setting)
    if cell is None or not (results := found.results(cell)):
        return words.NOT_RUN
    scenario = found.scenarios(cell)[found.seeds[0]]
    each = scenario.clients.count * scenario.seconds / scenario.data.environments.period
    jobs = number(mean(one.traffic.jobs for one in results.values()) / each, 3)
    return words.of_seeds(jobs, len(results), len(found.seeds))
