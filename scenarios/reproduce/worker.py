"""One run in a process of its own: reads ``scenario.json`` in a folder, leaves ``result.json`` there."""

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from bench.machine import source
from mlecs_ray.errors import InputError
from mlecs_ray.run.outcome import Outcome
from mlecs_ray.run.records import read_run
from mlecs_ray.run.session import Session
from mlecs_ray.scenario.build import Built, build
from mlecs_ray.scenario.overrides import validate
from mlecs_ray.sim.fleet import Fleet
from mlecs_ray.sim.population import CLOUD
from mlecs_ray.tree import Tree
from scenarios.execute import target
from scenarios.reproduce.eclm.submodels import SUBMODELS, submodels
from scenarios.reproduce.measures import take
from scenarios.reproduce.mlecs.space import SPACE, shared_space
from scenarios.reproduce.sparing import sparing
from scenarios.reproduce.volume import volume

SCENARIO = "scenario.json"
RESULT = "result.json"
FAILED = 2


def work(folder: Path) -> None:
    """Run the folder's scenario and measure it; raises InputError for what cannot run."""
    made_by = source()
    scenario = validate(json.loads((folder / SCENARIO).read_text()))
    # What is built the first time, in minutes, is no part of the run.
    built = build(scenario)
    began = time.monotonic()
    session = Session(built, folder / "run")
    outcome, kept = asyncio.run(_finished(session, built))
    result = take(read_run(folder / "run"), target(scenario), volume(built), outcome.progress.real_seconds)
    if space := shared_space(built, session.snapshot()[1], kept):
        result.final[SPACE] = space
        result.first[SPACE] = shared_space(built, built.method.init(scenario.seed), {client: {} for client in kept})
    devices = {client: built.world.client(client, 0.0).device for client in kept if client != CLOUD}
    if held := submodels(built.method, kept, devices):
        result.final[SUBMODELS] = held
    found = {"seconds": round(time.monotonic() - began, 1), "result": result.as_json(), "source": made_by}
    (folder / RESULT).write_text(json.dumps(found))


async def _finished(session: Session, built: Built) -> tuple[Outcome, Mapping[int, Tree]]:
    """The run, and what those of its clients that learn keep in the end, which no run folder has."""
    fleet = await sparing(built)

    async def made(_: Built) -> Fleet:
        return fleet

    return await session.execute(made), await fleet.kept()


def _leave_with_parent() -> None:
    """Nobody is to run on for hours when whoever asked has gone: then its end of our input is closed."""
    sys.stdin.read()
    os._exit(1)


def main() -> None:
    """Entry point: the last line of what it complains says why it failed."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        work(Path(sys.argv[1]))
    except InputError as error:
        print(" ".join(str(error).splitlines()), file=sys.stderr)
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
