"""Run without Ray: the event loop in a thread of this process, so that whoever watches is free."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from mlecs_ray.run.outcome import Outcome
from mlecs_ray.run.progress import Progress
from mlecs_ray.run.session import Session
from mlecs_ray.scenario.build import Built, build
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.sim.cohorts import Cohorts
from mlecs_ray.sim.fleet import Fleet, LocalFleet

POLL_SECONDS = 0.25


async def local_fleet(built: Built) -> Fleet:
    """All clients in this process."""
    return LocalFleet(built.make_worker(), Cohorts(built.most_together))


def run_locally(
    scenario: Scenario,
    folder: Path,
    variant: str = "",
    resume: bool = False,
    watch: Callable[[Progress], bool] = lambda _: False,
) -> Outcome:
    """Run here; ``watch`` sees the progress four times a second and says whether to stop."""
    session = Session(build(scenario), folder, variant, resume)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: asyncio.run(session.execute(local_fleet)))
        try:
            while True:
                if wait((running,), POLL_SECONDS).done:
                    outcome = running.result()
                    watch(outcome.progress)
                    return outcome
                if watch(session.progress()):
                    session.stop()
        finally:
            # A second Ctrl-C, or a view that failed: the pool waits for its thread, which must not run on to the end.
            session.stop()
