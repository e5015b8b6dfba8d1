"""What `mlecs list` shows."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.names import METHODS, nearest
from scenarios.catalogue import SCENARIOS

if TYPE_CHECKING:
    from mlecs_ray.scenario.fields import Option


def tables(name: str | None = None) -> Iterator[RenderableType]:
    """Scenarios, methods, devices and data, the first while the others wait for torch; or the one of that ``name``;
    or what the method is that is called so. Raises InputError for any other name."""
    if name is None or name in _TABLES:
        yield from (make() for key, make in _TABLES.items() if name in (None, key))
    elif name in METHODS:
        yield from _method(name)
    else:
        raise InputError(_unlisted(name))


def _unlisted(name: str) -> str:
    if ":" in name or name.endswith(".py"):
        return (
            f"{name!r} is a file of your own, and only what ships is listed: the options of a method in it are the "
            "arguments of its class, set by --set method.options.KEY=VALUE"
        )
    return f"{name!r} is nothing that is listed{nearest(name, (*_TABLES, *METHODS))}"


def _table(title: str, *header: str) -> Table:
    return Table(*header, title=title, title_justify="left")


def _scenarios() -> Table:
    table = _table("Scenarios", "name", "clients", "data", "method", "what for")
    for name, scenario in SCENARIOS.items():
        methods = [_wrapped(scenario)] if not scenario.variants else list(scenario.variants)
        table.add_row(name, str(scenario.clients.count), scenario.data.name, ", ".join(methods), scenario.title)
    return table


def _wrapped(scenario: Scenario) -> str:
    outer, inner = scenario.method.name, scenario.method.base.name
    return outer if inner == "fedavg" else f"{outer} around {inner}"


def _methods() -> Table:
    from mlecs_ray.scenario.compose import KINDS, hyperparameters

    title = (
        "Methods (--method NAME, options by --set method.options.KEY=VALUE, one around another by method.base; "
        "mlecs list NAME tells a method's options)"
    )
    table = _table(title, "name", "options", "what")
    for name in METHODS:
        kind = KINDS.get(name)
        options = hyperparameters(kind) if kind else {}
        doc = (kind.__doc__ if kind else "Average what the clients learned.") or ""
        table.add_row(name, ", ".join(options), sentence(doc))
    return table


def _method(name: str) -> Iterator[RenderableType]:
    """What it is, and its options."""
    from mlecs_ray.scenario.manual import about, options

    found = options(name)
    yield Text(f"{name}: {about(name).replace('`', '')}\n")
    table = _options("Options (--set method.options.KEY=VALUE)", "option", found)
    yield table if found else Text("It has no options.")


def _options(title: str, head: str, options: Iterable["Option"]) -> Table:
    from mlecs_ray.scenario.fields import HEADER

    table = _table(title, head, *HEADER)
    for option in options:
        table.add_row(*map(escape, _plain(option)))
    return table


def _plain(option: "Option") -> list[str]:
    """Without marks of code."""
    return [cell.replace("`", "") for cell in option]


def keys(part: str | None = None) -> Table:
    """The keys of a scenario, or those of ``part``. Raises InputError where there is no such key."""
    from mlecs_ray.scenario.reference import entries

    return _options("Keys (--set KEY=VALUE; a list or a table is JSON)", "key", entries(part))


def key_lines(part: str | None = None) -> Iterator[str]:
    """The same, a line each with tabs between, for other programs."""
    from mlecs_ray.scenario.reference import entries

    return ("\t".join(_plain(one)) for one in entries(part))


def sentence(doc: str) -> str:
    """The first one of a docstring, however many lines it has, without its marks of code."""
    return re.split(r"(?<=[^.]\.) ", " ".join(doc.split()).replace("``", ""), maxsplit=1)[0]


def _devices() -> Table:
    from mlecs_ray.sim.devices import DEVICES

    table = _table("Devices", "name", "GFLOP/s", "memory GB", "up Mbit/s", "down Mbit/s", "battery kJ")
    for device in DEVICES.values():
        budget = device.budget
        battery = "mains" if budget.battery_joules is None else f"{budget.battery_joules / 1e3:.0f}"
        rates = (budget.flops / 1e9, budget.memory_bytes / 1e9, budget.uplink_bps / 1e6, budget.downlink_bps / 1e6)
        table.add_row(device.name, *(f"{rate:.4g}" for rate in rates), battery)
    return table


def _data() -> Table:
    from mlecs_ray.data.catalogue import CATALOGUE
    from mlecs_ray.data.dataset import FOLDERS, NAMES

    own = ", ".join(("parquet", *FOLDERS))
    table = _table(
        f"Data sets: {', '.join(NAMES)}; with data.path also {own}. Assets (mlecs fetch NAME):", "name", "MB"
    )
    table.add_column("licence")
    table.add_column("what for")
    for asset in CATALOGUE.values():
        table.add_row(asset.name, f"{(asset.size or 0) / 1e6:.0f}", asset.licence, asset.why)
    return table


_TABLES: Mapping[str, Callable[[], Table]] = {
    "scenarios": _scenarios,
    "methods": _methods,
    "devices": _devices,
    "data": _data,
}
