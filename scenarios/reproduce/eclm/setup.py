"""What the table is made of: the fleet, what each row is, and who trains otherwise or has options of its own."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from bench.document import table
from mlecs_ray.report.units import BYTES, size
from mlecs_ray.scenario.config import LocalConfig, Scenario
from scenarios.reproduce import words
from scenarios.reproduce.eclm import prose
from scenarios.reproduce.eclm.offline import offline_table, resolved
from scenarios.reproduce.eclm.rows import OURS
from scenarios.reproduce.eclm.stock import stock_table
from scenarios.reproduce.found import Found

FEW = 4
"""Longer lists of options are told by their ends."""
AS_ABOVE = "as above"
Options = Mapping[str, object]


def setup(found: Found) -> Iterator[str]:
    """What all rows share, by one of them; each row; what methods learn beforehand."""
    one = found.scenarios(found.cells[0])[found.seeds[0]]
    fleet, schedule = one.clients, one.schedule
    usual, common = _usual(found), _common(found)
    rule = "a round" if schedule.barrier else "a merge"
    parts = "in equal parts" if len({*fleet.devices.values()}) == 1 else f"as {list(fleet.devices.values())}"
    rows = [
        ["devices", f"{fleet.count}: {', '.join(fleet.devices)} {parts}; jitter {fleet.jitter:g}"],
        ["samples of a device", f"{one.data.environments.least} to {one.data.environments.most}"],
        ["split", f"test {one.data.test_share:g}, public as below, the rest private"],
        [rule, f"{schedule.buffer} devices, {schedule.concurrency} at once; selection {schedule.selection}"],
        ["jobs", f"{one.merges * schedule.buffer / fleet.count:.3g} of a device, mean" if one.merges else "-"],
        ["a job", _training(usual)],
        *([f"options of {words.method(name)}", _listed(own)] for name, own in common.items() if own),
        ["measured", f"{one.evaluation.clients} devices, {one.data.environments.test_rows} samples each"],
        ["seeds", ", ".join(map(str, found.seeds))],
    ]
    yield "## Set-up"
    yield table(["", "value"], rows)
    header = ["row", "data", "network", "pretrained", "environments", "merges", "jobs and options"]
    yield table(
        header, [[*_row(found, row), _otherwise(_of(found, row), usual, common)] for row in found.settings("table")]
    )
    yield prose.OFFLINE
    yield offline_table(found)
    yield prose.STOCK
    yield stock_table(found)


def _row(found: Found, row: str) -> list[str]:
    cell = found.cell("table", OURS, row)
    if cell is None:
        return [row, *["-"] * 5]
    one = found.scenarios(cell)[found.seeds[0]]
    task, results = one.task, found.results(cell)
    model = size(next(iter(results.values())).traffic.client, BYTES) if results else words.NOT_RUN
    return [
        row,
        f"`{one.data.name}`, public {one.data.public_share:g}",
        f"{task.network} {list(task.hidden)}, {model}",
        f"{task.pretrain_epochs} epochs, rate {task.pretrain_lr:g}",
        _environments(one),
        str(one.merges),
    ]


def _environments(one: Scenario) -> str:
    rules = one.data.environments
    told = [f"{rules.classes} classes" if rules.classes else "all classes"]
    told += [f"one of {rules.contexts} sets"] if rules.contexts else []
    if rules.domains:
        told.append("one domain of all" if rules.domains == "all" else f"one of {', '.join(rules.domains)}")
    told += [f"through {', '.join(rules.corruptions)} at {rules.severity:g}"] if rules.corruptions else []
    public = one.data.public_domains
    return "; ".join([*told, *([f"public: {', '.join(public)}"] if public is not None else [])])


def _of(found: Found, row: str) -> dict[str, Scenario]:
    """By method."""
    cells = {name: found.cell("table", name, row) for name in found.names("table")}
    return {name: found.scenarios(cell)[found.seeds[0]] for name, cell in cells.items() if cell is not None}


def _every(found: Found) -> list[tuple[str, Scenario]]:
    return [pair for row in found.settings("table") for pair in _of(found, row).items()]


def _usual(found: Found) -> LocalConfig:
    """The local training that most have."""
    return Counter(one.local for _, one in _every(found)).most_common(1)[0][0]


def _common(found: Found) -> dict[str, Options]:
    """All options that a method has in most rows, by default or set."""
    return {name: _most([resolved(o) for n, o in _every(found) if n == name]) for name in found.names("table")}


def _most(each: Sequence[Options]) -> Options:
    """Of equally common ones the first."""
    told = [json.dumps(one, sort_keys=True) for one in each]
    return each[told.index(Counter(told).most_common(1)[0][0])]


def _otherwise(by: Mapping[str, Scenario], usual: LocalConfig, common: Mapping[str, Options]) -> str:
    """Who, of a row's methods, trains otherwise than most, or has other options than in most rows."""
    told = [f"{words.method(name)}: {_training(one.local)}" for name, one in by.items() if one.local != usual]
    for name, one in by.items():
        others = {key: value for key, value in resolved(one).items() if common[name].get(key) != value}
        told += [f"{words.method(name)}: {_listed(others)}"] if others else []
    return "; ".join(told) or AS_ABOVE


def _training(local: LocalConfig) -> str:
    falls = ", decayed to 0 within each job" if local.anneal else ""
    return f"{local.epochs} epochs of batches of {local.batch}, {local.optimizer}, learning rate {local.lr:g}{falls}"


def _listed(options: Options) -> str:
    return ", ".join(f"{name} {_option(value)}" for name, value in options.items())


def _option(value: object) -> str:
    """Long lists by their ends."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list | tuple) or len(value) <= FEW:
        return json.dumps(value)
    return f"{len(value)} from {min(value):g} to {max(value):g}"
