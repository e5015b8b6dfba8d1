"""What each kind of device can spare, and what the sub-models of each method take of that."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from bench.document import table
from mlecs_ray.method import Client, Method
from mlecs_ray.methods.adaptivenet import AdaptiveNet, path_costs
from mlecs_ray.methods.eclm.budgets import spare
from mlecs_ray.methods.eclm.system import ModularCloud
from mlecs_ray.methods.heterofl import HeteroFL
from mlecs_ray.models.modular import RESOURCES, Numbers, whole
from mlecs_ray.models.supernet import WIDTHS
from mlecs_ray.scenario.build import Built, build
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.sim.devices import find_device
from mlecs_ray.sim.population import CLOUD
from scenarios.reproduce import words
from scenarios.reproduce.eclm.offline import resolved
from scenarios.reproduce.eclm.rows import OURS, SPARING
from scenarios.reproduce.eclm.submodels import SUBMODELS, most_of
from scenarios.reproduce.found import Found
from scenarios.reproduce.plan import digest, short
from scenarios.reproduce.store import Floors, Made

SPARE, BASE, LEVEL = "spare", "base", "level"
MIDDLE = "phone-mid"
"""The kind of which it is told under which load it cannot spare ECLM's smallest."""
EDITION = 2
"""Of the counting; raised whenever it gives other figures for the same scenarios, options, devices and widths."""
_ROUNDING = 1e-6
Sizes = Mapping[str, float]
"""By resource, shares of the whole network's; of HeteroFL its level too."""


def budgets(scenarios: Mapping[str, Scenario]) -> Floors:
    """By ``<kind>: spare`` and ``<kind>: <method>`` shares of the whole network's memory, compute and bytes.

    ``scenarios`` are those of a row, by method, ours among them. Reads data for its shape and trains nothing.
    """
    built = {name: build(one) for name, one in scenarios.items()}
    found: dict[str, Sizes] = {}
    base = _base(built[OURS])
    for kind in built[OURS].scenario.clients.devices:
        found[_named(kind, SPARE)] = _spared(built[OURS], kind)
        found[_named(kind, BASE)] = base
        found |= {_named(kind, name): _taken(one.method, _client(one, kind)) for name, one in built.items()}
    return found


def _named(kind: str, what: str) -> str:
    return f"{kind}: {what}"


def _client(built: Built, kind: str) -> Client:
    """One of this kind on which nothing else runs."""
    return replace(built.world.client(0, 0.0), device=kind, budget=find_device(kind).budget, load=1.0)


def _spared(built: Built, kind: str) -> Sizes:
    method = built.method
    assert isinstance(method, ModularCloud)
    options, full = method.prototype.options, method.modular.costs(method.local.batch).whole
    return _sizes(spare(_client(built, kind), full, options.share, options.reference, options.least), full)


def _base(built: Built) -> Sizes:
    """What ours gives to every device whatever is derived: the parts that are not decomposed, and the selector."""
    method = built.method
    assert isinstance(method, ModularCloud)
    costs = method.modular.costs(method.local.batch)
    return _sizes(costs.base, costs.whole)


def _taken(method: Method, client: Client) -> Sizes:
    """The least that ours can give; the largest that AdaptiveNet may choose; what HeteroFL gives."""
    match method:
        case ModularCloud():
            costs = method.modular.costs(method.local.batch)
            return _sizes(costs.base + costs.modules[:, :, :-1].min(2).sum(1), costs.whole)
        case AdaptiveNet():
            network, batch = method.task.task.network, method.local.batch
            places = [method.net.paths.index(path) for path in method.allowed(client)]
            # Nothing of it travels.
            return _sizes(np.append(path_costs(network, batch)[places].max(0), 0.0), whole(network, batch))
        case HeteroFL():
            network, level, batch = method.level(replace(client, id=CLOUD)), method.level(client), method.local.batch
            ratio = next(one for one in method.levels if network.narrowed(one) == level)
            return {**_sizes(whole(level, batch), whole(network, batch)), LEVEL: ratio}
    raise AssertionError(f"{type(method).__name__} has no sub-models")


def _sizes(taken: Numbers, full: Numbers) -> Sizes:
    return {resource: round(float(share), 6) for resource, share in zip(RESOURCES, taken / full, strict=True)}


def _scenarios(found: Found, row: str) -> dict[str, Scenario]:
    """Of the methods with sub-models that the table has in this row."""
    cells = {name: found.cell("table", name, row) for name in SPARING}
    return {name: found.scenarios(cell)[found.seeds[0]] for name, cell in cells.items() if cell is not None}


def _key(found: Found, row: str) -> str:
    scenarios = _scenarios(found, row)
    runs = {name: digest(one) for name, one in scenarios.items()}
    options = {name: resolved(one) for name, one in scenarios.items()}
    kinds = {kind for name, one in scenarios.items() for kind in (*one.clients.devices, options[name]["reference"])}
    devices = {kind: repr(find_device(kind).budget) for kind in kinds}
    return short(["budgets", EDITION, runs, options, devices, WIDTHS])


def names(found: Found) -> set[str]:
    """Under which these are kept."""
    return {_key(found, row) for row in found.settings("table")}


def fill(found: Found, made: Made | None, compute: Callable[[Mapping[str, Scenario]], Floors] = budgets) -> None:
    """Compute what is missing of the rows that ours was run in; nothing where the page alone was asked for."""
    for row in found.settings("table"):
        run, key = found.results(found.cell("table", OURS, row)), _key(found, row)
        if made is not None and run and key not in found.store.floors:
            found.store.put_floors(key, compute(_scenarios(found, row)))


def budget_table(found: Found) -> str:
    """A line for each row of the table and kind of device."""
    header = ["memory / compute / bytes, % of the network's", "can spare", "ECLM: in all", "smallest", "largest held"]
    header += ["AdaptiveNet: largest path", "HeteroFL"]
    lines = [line for row in found.settings("table") for line in _lines(found, row)]
    return table(header, lines)


def load_lines(found: Found) -> list[str]:
    """For each row that was counted from which load on memory or compute of a middling phone are short."""
    counted = {row: found.store.floors.get(_key(found, row), {}) for row in found.settings("table")}
    spared, least = (
        {row: known[named] for row, known in counted.items() if (named := _named(MIDDLE, what)) in known}
        for what in (SPARE, OURS)
    )
    return [f"- {row}: {_short(spared[row], one)}" for row, one in least.items()]


def _short(spared: Sizes, least: Sizes) -> str:
    """Load takes its part of memory and compute alone."""
    most = min(spared[resource] / least[resource] for resource in RESOURCES[:2])
    return "already where nothing else runs" if most < 1 - _ROUNDING else f"from a load of {most:.2f} on"


def _lines(found: Found, row: str) -> list[list[str]]:
    known, ours = found.store.floors.get(_key(found, row)), found.cell("table", OURS, row)
    if known is None or ours is None:
        return [[row, *[words.NOT_RUN] * 6]]
    return [
        [f"{row}: {kind}", *_line(known, kind, _held(found, row, kind))]
        for kind in found.scenarios(ours)[found.seeds[0]].clients.devices
    ]


def _line(known: Floors, kind: str, held: Sizes | None) -> list[str]:
    spared = known[_named(kind, SPARE)]
    by = {name: known.get(_named(kind, name)) for name in (BASE, *SPARING)}
    told = [_told(by[BASE], spared), _told(by[OURS], spared), _told(held, spared), _told(by["adaptivenet"], spared)]
    other = by["heterofl"]
    level = f"level {other[LEVEL]:g}: " if other else ""
    return [_told(spared, spared), *told, f"{level}{_told(other, spared)}"]


def _held(found: Found, row: str, kind: str) -> Sizes | None:
    """The most that devices of this kind held in the end, in any seed; None where that was not measured."""
    results = found.results(found.cell("table", OURS, row)).values()
    each = [one.final.get(SUBMODELS, {}).get(most_of(kind)) for one in results]
    known = [one for one in each if one is not None]
    return {resource: max(one[resource] for one in known) for resource in RESOURCES} if known else None


def _told(taken: Sizes | None, spared: Sizes) -> str:
    if taken is None:
        return words.NOT_RUN
    return " / ".join(_share(taken[resource], spared[resource]) for resource in RESOURCES)


def _share(taken: float, spared: float) -> str:
    text = f"{100 * taken:.1f}"
    return f"**{text} over**" if taken > spared + _ROUNDING else text
