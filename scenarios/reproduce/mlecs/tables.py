"""The tables of the document, one for each group of cells, each figure as it was measured or as not run."""

from collections.abc import Sequence

from bench.document import table
from scenarios.reproduce import words
from scenarios.reproduce.comparison import Comparison
from scenarios.reproduce.found import Found
from scenarios.reproduce.mlecs.cells import CLASS_METRICS, OURS, RATE
from scenarios.reproduce.mlecs.comparisons import AMONG, comparisons
from scenarios.reproduce.mlecs.floors import reached
from scenarios.reproduce.mlecs.scopes import CLIENTS, CLOUD, RECEIVER, SIDES
from scenarios.reproduce.mlecs.space import MEASURES, SPACE
from scenarios.reproduce.statistics import Values, relative, spread

Rows = list[list[str]]


def by_setting(found: Found, group: str) -> list[str]:
    """For each side and metric a table with a row per method and a column per setting, floors beside."""
    tests = comparisons(found, group)
    parts = []
    for scope in (CLIENTS, CLOUD):
        for metric in found.metrics(group):
            rows = _methods(found, group, scope, metric) + _tested(found, group, scope, metric, tests)
            if scope == CLIENTS:
                rows = _before(found, group, metric) + rows + _floor_rows(found, group, metric)
            header = [f"{words.metric(metric)}, {SIDES[scope]}", *found.settings(group)]
            parts.append(table(header, rows))
    return parts


def _methods(found: Found, group: str, scope: str, metric: str) -> Rows:
    return [
        [words.method(name), *(_at(found, group, name, setting, scope, metric) for setting in found.settings(group))]
        for name in found.names(group)
    ]


def _at(found: Found, group: str, name: str, setting: str, scope: str, metric: str) -> str:
    """A value; a dash where the method was run and has no such model."""
    cell = found.cell(group, name, setting)
    values = found.values(cell, scope, metric)
    if cell is not None and not values and found.results(cell):
        return "-"
    return words.value(spread(values), len(found.seeds))


def _before(found: Found, group: str, metric: str) -> Rows:
    """What the model on the server answers before it learns, which is a client's with all modalities."""
    starts = [
        words.value(spread(found.values(found.cell(group, OURS, setting), RECEIVER, metric, first=True)))
        for setting in found.settings(group)
    ]
    return [["untrained, all modalities", *starts]]


def _tested(found: Found, group: str, scope: str, metric: str, tests: Sequence[Comparison]) -> Rows:
    by = {one.setting: one for one in tests if (one.scope, one.metric) == (scope, metric)}
    ones = [by.get(setting) for setting in found.settings(group)]
    over = [f"{words.percent(one.pair.relative)}, {words.method(one.other)}" if one else words.NOT_RUN for one in ones]
    return [
        [f"{words.method(OURS)} over the best other", *over],
        ["paired t test", *(words.test(one.pair, one.corrected) if one else words.NOT_RUN for one in ones)],
    ]


def _floor_rows(found: Found, group: str, metric: str) -> Rows:
    """The rules that say most: one answer for all, the best nearest neighbour, the regression on everything."""
    columns = [_floors_at(found, group, setting, metric) for setting in found.settings(group)]
    rules = [("rule: constant", "constant"), ("rule: best nearest", "nearest"), ("rule: best ridge", "ridge")]
    if metric not in CLASS_METRICS:
        rules.insert(1, ("rule: first word", "first word"))
    return [[title, *(_best_rule(column, start, len(found.seeds)) for column in columns)] for title, start in rules]


def _floors_at(found: Found, group: str, setting: str, metric: str) -> dict[str, Values]:
    return reached(found, found.group(group, setting)[0], metric)


def _best_rule(column: dict[str, Values], start: str, seeds: int) -> str:
    spreads = [one for rule, values in column.items() if rule.startswith(start) and (one := spread(values))]
    return words.value(max(spreads, key=lambda one: one.mean), seeds) if spreads else words.NOT_RUN


def floor_table(found: Found, group: str, setting: str) -> str:
    """Every rule on every metric."""
    by = {metric: _floors_at(found, group, setting, metric) for metric in found.metrics(group)}
    rules = dict.fromkeys(rule for rows in by.values() for rule in rows)
    if not rules:
        return f"Simple rules: {words.NOT_RUN}."
    rows = [
        [rule, *(words.value(spread(rows.get(rule, {})), len(found.seeds)) for rows in by.values())] for rule in rules
    ]
    return table(["simple rule", *map(words.metric, by)], rows)


def by_variant(found: Found, group: str) -> list[str]:
    """A row per variant of ours, a column per side and metric; then the same rows with their difference to the first
    variant."""
    sides = [(scope, metric) for scope in (CLIENTS, CLOUD) for metric in found.metrics(group)]
    header = [f"{words.metric(metric)}, {SIDES[scope]}" for scope, metric in sides]
    tests = {(one.name, one.scope, one.metric): one for one in comparisons(found, group)}
    first, *others = cells = found.group(group)
    values = [[one.name, *(_at(found, group, one.name, one.setting, *side) for side in sides)] for one in cells]
    differences = [[one.name, *(_against(tests.get((one.name, *side))) for side in sides)] for one in others]
    return [table(["", *header], values), table([f"against {first.name}", *header], differences)]


def _against(one: Comparison | None) -> str:
    if one is None:
        return words.NOT_RUN
    return f"{words.percent(one.pair.relative)}, {words.test(one.pair, one.corrected)}"


def scale(found: Found) -> str:
    """A row per number of clients; other numbers are other clients, so there is nothing to pair."""
    metrics = found.metrics("scale")
    sides = [(scope, metric) for scope in (CLIENTS, CLOUD) for metric in metrics]
    cells = found.group("scale")
    rows = []
    for cell in cells:
        values = [_at(found, "scale", cell.name, cell.setting, scope, metric) for scope, metric in sides]
        changes = [
            relative(found.values(cell, scope, metrics[0]), found.values(cells[0], scope, metrics[0]))
            for scope in (CLIENTS, CLOUD)
        ]
        rows.append([cell.name, *values, *("" if cell is cells[0] else _change(change) for change in changes)])
    header = [f"{words.metric(metric)}, {SIDES[scope]}" for scope, metric in sides]
    return table(["", *header, *(f"{SIDES[scope]} against {cells[0].name}" for scope in (CLIENTS, CLOUD))], rows)


def _change(change: float | None) -> str:
    return words.NOT_RUN if change is None else words.percent(change)


def receiver(found: Found, group: str) -> str:
    """The model on the server that answers as a client would, of the methods that have one."""
    names = [
        name
        for name in found.names(group)
        for setting in found.settings(group)
        if found.values(found.cell(group, name, setting), RECEIVER, found.metrics(group)[0])
    ]
    if not names:
        return f"{SIDES[RECEIVER].capitalize()}: {words.NOT_RUN}."
    metric = found.metrics(group)[0]
    rows = [
        [words.method(name), *(_at(found, group, name, setting, RECEIVER, metric) for setting in found.settings(group))]
        for name in dict.fromkeys(names)
    ]
    return table([f"{words.metric(metric)}, {SIDES[RECEIVER]}", *found.settings(group)], rows)


def space(found: Found) -> str:
    """A row per variant of ours and per other method at the same rate: how far clients and cloud share one space."""
    variants = found.group("ablations")
    others = [cell for cell in found.group("rates", f"rate {RATE:g}") if cell.name != OURS]
    before = [
        words.value(spread(found.values(variants[0], SPACE, one, first=True)), len(found.seeds)) for one in MEASURES
    ]
    rows = [["before", *before]] + [
        [words.method(cell.name), *(_at(found, cell.group, cell.name, cell.setting, SPACE, one) for one in MEASURES)]
        for cell in (*variants, *others)
    ]
    return table(["fused representations of the test samples", *MEASURES.values()], rows)


def tables(found: Found, group: str) -> list[str]:
    """What is shown of a group."""
    if group in AMONG:
        return by_setting(found, group)
    return [scale(found)] if group == "scale" else by_variant(found, group)
