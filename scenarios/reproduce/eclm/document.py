"""The page of results: everything that the paper reports, from what was measured and nothing else."""

from collections import Counter
from collections.abc import Iterator, Mapping

from bench.document import table
from mlecs_ray.report.units import BYTES, size
from mlecs_ray.scenario.config import LocalConfig, Scenario
from scenarios.reproduce import clock, page, words
from scenarios.reproduce.eclm import prose, steps
from scenarios.reproduce.eclm.budgets import budget_table, load_lines
from scenarios.reproduce.eclm.figures import TITLE
from scenarios.reproduce.eclm.offline import offline_table
from scenarios.reproduce.eclm.pooled import room_table
from scenarios.reproduce.eclm.rows import OURS
from scenarios.reproduce.eclm.tables import (
    gain_table,
    main_table,
    schedule_table,
    size_table,
    submodel_table,
    variant_tables,
)
from scenarios.reproduce.eclm.targets import targets
from scenarios.reproduce.eclm.timings import timing_tables
from scenarios.reproduce.eclm.traffic import job_table, until_table
from scenarios.reproduce.found import Found
from scenarios.reproduce.study import Facts
from scenarios.reproduce.target import target_table

FEW = 4
"""Longer lists of options are told by their ends."""


def text(found: Found, facts: Facts, plots: Mapping[str, str]) -> str:
    """The page as Markdown; ``plots`` are file names by figure."""
    head = prose.HEAD.format(data=found.store.path.name)
    parts = [head, *_setup(found), "## Claims", target_table(targets(found)), *_table(found, plots), *_bytes(found)]
    parts += [*_sizes(found, plots), *_times(found), *_ablations(found, plots), *_overlap(found)]
    parts += [*_continuous(found, plots), *_schedules(found, plots)]
    return "\n\n".join([*parts, *page.runs(found, facts)]) + "\n"


def _figure(plots: Mapping[str, str], name: str) -> Iterator[str]:
    if name in plots:
        yield f"![{TITLE}]({plots[name]})"


def _fewer(found: Found, group: str) -> Iterator[str]:
    """Which cells of a group have fewer seeds than the study, for whatever is drawn or told of them."""
    by: dict[int, list[str]] = {}
    for cell in found.group(group):
        by.setdefault(len(found.results(cell)), []).append(f"{words.method(cell.name)} on {cell.setting}")
    every = len(found.seeds)
    fewer = {seeds: cells for seeds, cells in by.items() if 0 < seeds < every}
    if not fewer:
        return
    alone = len(fewer) == 1 and every not in by
    told = [
        f"{seeds} of {every}: {'all that was run' if alone else '; '.join(fewer[seeds])}" for seeds in sorted(fewer)
    ]
    yield f"Fewer seeds, here and in the plots: {'. '.join(told)}. One seed has no deviation, no test, no significance."


def _setup(found: Found) -> Iterator[str]:
    one = found.scenarios(found.cells[0])[found.seeds[0]]
    fleet, local, schedule = one.clients, one.local, one.schedule
    rule = "a round" if schedule.barrier else "a merge"
    parts = "in equal parts" if len({*fleet.devices.values()}) == 1 else f"as {list(fleet.devices.values())}"
    rows = [
        ["devices", f"{fleet.count}: {', '.join(fleet.devices)} {parts}; jitter {fleet.jitter:g}"],
        ["samples of a device", f"{one.data.environments.least} to {one.data.environments.most}"],
        ["split", f"test {one.data.test_share:g}, public as below, the rest private"],
        [rule, f"{schedule.buffer} devices, of {schedule.concurrency} at once; selection {schedule.selection}"],
        ["optimiser", local.optimizer],
        ["measured", f"{one.evaluation.clients} devices, {one.data.environments.test_rows} samples each"],
        ["seeds", ", ".join(map(str, found.seeds))],
    ]
    yield "## Set-up"
    yield table(["", "value"], rows)
    header = ["row", "data", "network", "pretrained", "environments", "merges", "a job"]
    yield table(header, [_row(found, row) for row in found.settings("table")])
    yield prose.OFFLINE
    yield offline_table(found)


def _row(found: Found, row: str) -> list[str]:
    cell = found.cell("table", OURS, row)
    if cell is None:
        return [row, *["-"] * 6]
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
        _job(found, row),
    ]


def _environments(one: Scenario) -> str:
    rules = one.data.environments
    told = [f"{rules.classes} classes" if rules.classes else "all classes"]
    told += [f"of {rules.contexts} sets"] if rules.contexts else []
    if rules.domains:
        told.append("one of all domains" if rules.domains == "all" else f"one of {', '.join(rules.domains)}")
    told += [f"through {', '.join(rules.corruptions)} at {rules.severity:g}"] if rules.corruptions else []
    public = one.data.public_domains
    return "; ".join([*told, *([f"public: {', '.join(public)}"] if public is not None else [])])


def _job(found: Found, row: str) -> str:
    """The usual local training of the row, and who has another or options of its own."""
    cells = [cell for name in found.names("table") if (cell := found.cell("table", name, row)) is not None]
    by = {words.method(cell.name): found.scenarios(cell)[found.seeds[0]] for cell in cells}
    usual = Counter(one.local for one in by.values()).most_common(1)[0][0]
    told = [_training(usual)]
    told += [f"{name}: {_training(one.local)}" for name, one in by.items() if one.local != usual]
    options = {name: one.method.options for name, one in by.items() if one.method.options}
    return "; ".join([*told, *(f"{name}: {_listed(chosen)}" for name, chosen in options.items())])


def _training(local: LocalConfig) -> str:
    falls = ", which falls to nothing in a job" if local.anneal else ""
    return f"{local.epochs} epochs of batches of {local.batch}, rate {local.lr:g}{falls}"


def _listed(options: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {_option(value)}" for name, value in options.items())


def _option(value: object) -> str:
    """Long lists by their ends."""
    if not isinstance(value, list | tuple) or len(value) <= FEW:
        return f"{value}"
    return f"{len(value)} from {min(value):g} to {max(value):g}"


def _table(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    yield "## Accuracy"
    yield prose.TABLE
    yield from _fewer(found, "table")
    yield from _figure(plots, "table")
    yield main_table(found)
    yield gain_table(found)
    yield prose.ROOM
    yield room_table(found)


def _bytes(found: Found) -> Iterator[str]:
    yield "## Bytes"
    yield prose.BYTES_MOVED
    yield job_table(found)
    yield until_table(found)


def _sizes(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    yield "## Budgets"
    yield prose.BUDGETS
    yield budget_table(found)
    if lines := load_lines(found):
        yield prose.LOADED
        yield "\n".join(lines)
    yield "## Sub-models"
    yield prose.MEMORY
    yield submodel_table(found)
    if found.group("sizes"):
        yield prose.SIZES
        yield from _fewer(found, "sizes")
        yield from _figure(plots, "sizes")
        yield from (size_table(found, setting) for setting in found.settings("sizes"))


def _times(found: Found) -> Iterator[str]:
    yield "## On this machine"
    yield prose.TIMES
    yield from timing_tables(found)


def _ablations(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    if found.group("ablations"):
        yield "## Without its parts"
        yield prose.ABLATIONS
        yield from _fewer(found, "ablations")
        yield from _figure(plots, "ablations")
        yield from variant_tables(found, "ablations")


def _overlap(found: Found) -> Iterator[str]:
    if found.group("overlap"):
        yield "## Sets of classes that overlap"
        yield prose.OVERLAP
        yield from _fewer(found, "overlap")
        yield from variant_tables(found, "overlap")


def _continuous(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    if found.group(steps.GROUP):
        yield "## Environments that shift"
        yield prose.CONTINUOUS
        yield from _fewer(found, steps.GROUP)
        for number, setting in enumerate(found.settings(steps.GROUP), 1):
            yield from _figure(plots, f"continuous-{number}")
            yield steps.step_table(found, setting)


def _schedules(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    if found.group("schedules"):
        yield "## Who waits"
        yield prose.SCHEDULES
        yield from _fewer(found, "schedules")
        for number, setting in enumerate(found.settings("schedules"), 1):
            yield from _figure(plots, f"schedules-{number}")
            yield schedule_table(found, setting)
            yield clock.times(found, "schedules", setting)
