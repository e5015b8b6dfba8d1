"""Gets ready what runs need, and refuses what cannot run before the first actor starts and the first byte is written.

Light to import, as Ray starts while torch is imported: on two cores a run begins seconds sooner.
"""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.names import check_methods
from scenarios.plan import Part

if TYPE_CHECKING:
    from mlecs_ray.scenario.build import Built

HEAVY = "scenarios.execute"
"""With it comes torch."""


@contextmanager
def prepared(plan: Sequence[Part]) -> Iterator[None]:
    """One Ray runtime for all runs that want Ray, and every run built once, so that nothing is refused later."""
    scenarios = [part.scenario for part in plan]
    for method in (scenario.method for scenario in scenarios):
        check_methods(method.name, method.base.name)
    on_ray = [scenario for scenario in scenarios if scenario.runtime.backend == "ray"]
    if not on_ray:
        _build(scenarios)
        yield
        return
    # Whoever runs without Ray need not wait for its import.
    from actors.runtime import runtime

    # No more than imports, as Ctrl-C does not end a thread, and a build may take minutes.
    Thread(target=importlib.import_module, args=(HEAVY,)).start()
    with runtime(*on_ray):
        _check_room(_build(scenarios))
        yield


def _build(scenarios: Sequence[Scenario]) -> "list[Built]":
    from mlecs_ray.scenario.build import build

    return [build(scenario) for scenario in scenarios]


def _check_room(built: "Sequence[Built]") -> None:
    """Raise InputError where the cluster is too small for one of the runs."""
    from actors.placement import check, place
    from actors.runtime import offered

    for one in built:
        if one.scenario.runtime.backend == "ray":
            check(place(one, offered()), offered())
