"""What no sharing can pass by much: one network that learns from all that the cloud and all devices own, put together.

It answers as it is, or among the classes that a device owns, as if the device knew them beforehand.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean

import torch
from torch import Tensor

from bench.document import table
from mlecs_ray.methods.alone import NoAdaptation
from mlecs_ray.methods.local import LocalTraining, descend
from mlecs_ray.methods.optimizers import AdamW
from mlecs_ray.methods.pretrained import Pretrained, judge
from mlecs_ray.models.classifier import labels_of
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.build import Built, build, make_plan
from mlecs_ray.scenario.compose import first_seed
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.seeds import derive
from mlecs_ray.tree import Tree
from scenarios.reproduce import words
from scenarios.reproduce.cells import Cell
from scenarios.reproduce.eclm.gains import accuracy
from scenarios.reproduce.eclm.rows import ON_DEVICE, OURS
from scenarios.reproduce.found import Found
from scenarios.reproduce.statistics import Values, by_seed, spread
from scenarios.reproduce.store import Floors, Made

FREE, OWN = "one network", "one network, among a device's classes"
METRIC = "accuracy"
EPOCHS, BATCH, RATE = 5, 32, 2e-3
_ALL = "noadaptation"
"""Whose run is of the same data and begins with the same network."""


def pooled(scenario: Scenario) -> Floors:
    """Mean accuracies over the devices that the scenario's runs measure, for a run of ``noadaptation``."""
    built = build(scenario)
    assert isinstance(built.method, NoAdaptation)
    task = built.method.task
    assert isinstance(task, Pretrained)
    network = _trained(built, task, scenario.seed)
    by: dict[str, list[float]] = {FREE: [], OWN: []}
    for client in (one.client for one in make_plan(built).judges if one.local):
        test = built.hand.local_test(client)
        owned = torch.bincount(labels_of(built.hand.shard(client))).nonzero().flatten()
        with torch.no_grad():
            logits = task.task.logits(network, test)
        by[FREE].append(_right(logits, test))
        by[OWN].append(_right(_among(logits, owned), test))
    return {rule: {METRIC: round(mean(values), 6)} for rule, values in by.items()}


def _trained(built: Built, task: Pretrained, seed: int) -> Tree:
    client, devices = judge(task.task), range(built.scenario.clients.count)
    parts = [built.hand.shard(built.world.client(number, 0.0)) for number in devices]
    local = LocalTraining(AdamW(RATE), BATCH, EPOCHS, anneal=True)
    begin, everything = task.init(first_seed(seed)), Samples.concat([built.dataset.public, *parts])
    return descend(lambda p, b: task.loss(p, b, client), begin, local, everything, derive(seed, "pooled")).params


def _among(logits: Tensor, classes: Tensor) -> Tensor:
    kept = torch.full_like(logits, -torch.inf)
    kept[:, classes] = logits[:, classes]
    return kept


def _right(logits: Tensor, test: Samples) -> float:
    return float((logits.argmax(1) == labels_of(test)).float().mean())


def _cells(found: Found) -> list[Cell]:
    return [cell for cell in found.group("table") if cell.name == _ALL]


def names(found: Found) -> set[str]:
    """Under which these are kept: those of the runs that they stand beside."""
    return {key for cell in _cells(found) for key in found.digests(cell).values()}


def fill(found: Found, made: Made | None, compute: Callable[[Scenario], Floors] = pooled) -> None:
    """Train what is missing of the rows that have ours; nothing where the page alone was asked for."""
    for cell in _cells(found):
        for seed in found.results(found.cell("table", OURS, cell.setting)):
            key = found.digests(cell)[seed]
            if made is not None and key not in found.store.floors:
                found.store.put_floors(key, compute(found.scenarios(cell)[seed]))


def reached(found: Found, row: str, rule: str) -> Values:
    """Accuracy by seed."""
    cell = found.cell("table", _ALL, row)
    keys = found.digests(cell) if cell else {}
    known = {seed: found.store.floors[key] for seed, key in keys.items() if key in found.store.floors}
    return {(seed, rule): scores[rule][METRIC] for seed, scores in known.items()}


def room_table(found: Found) -> str:
    """For each row what that network reaches, and what it and ours have more than the best on-device baseline."""
    rows = []
    for row in found.settings("table"):
        most = {rule: spread(reached(found, row, rule)) for rule in (FREE, OWN)}
        rows.append([row, *(words.hundredths(one, len(found.seeds)) for one in most.values()), *_room(found, row)])
    header = ["accuracy in %", FREE, OWN, "that over the best on-device method", "ECLM over it"]
    return table(header, rows)


def _room(found: Found, row: str) -> list[str]:
    room = room_of(found, row)
    if room is None:
        return [words.NOT_RUN] * 2
    return [words.of_seeds(words.points(one), room.seeds, len(found.seeds)) for one in (room.most, room.ours)]


@dataclass(frozen=True)
class Room:
    """What there is to be gained in a row over the best on-device baseline, and what ours gains of it."""

    most: float
    ours: float
    seeds: int


def room_of(found: Found, row: str) -> Room | None:
    """Over the seeds that have all of it; None where none has."""
    bound, ours = by_seed(reached(found, row, OWN)), by_seed(accuracy(found, "table", OURS, row))
    others = [by_seed(accuracy(found, "table", name, row)) for name in ON_DEVICE]
    seeds = [seed for seed in bound if seed in ours and all(seed in other for other in others)]
    if not seeds:
        return None
    best = max(mean(other[seed] for seed in seeds) for other in others)
    most, gained = (mean(side[seed] for seed in seeds) - best for side in (bound, ours))
    return Room(most, gained, len(seeds))
