"""From the driver's side: one parameter server on a Ray runtime, its progress, and a clean end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.placement import check, place
from actors.runtime import offered, runtime
from actors.server import ParameterServer
from mlecs_ray.errors import InputError
from mlecs_ray.run.checkpoint import has_checkpoint
from mlecs_ray.run.outcome import Outcome
from mlecs_ray.run.progress import Progress
from mlecs_ray.scenario.build import build
from mlecs_ray.scenario.config import Scenario

POLL_SECONDS = 0.25
SERVER_LIVES = 3
"""How often a run is resumed after its parameter server died."""


def run_on_ray(
    scenario: Scenario,
    folder: Path,
    variant: str = "",
    resume: bool = False,
    watch: Callable[[Progress], bool] = lambda _: False,
) -> Outcome:
    """Run on Ray; ``watch`` sees the progress four times a second and says whether to stop."""
    built = build(scenario)
    with runtime(scenario):
        placement = place(built, offered())
        check(placement, offered())
        # Here, where the run folder is: on a cluster it would land anywhere.
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        for _ in range(SERVER_LIVES):
            named = ParameterServer.options(name=server_name(folder), scheduling_strategy=here)
            server = named.remote(scenario, placement, str(folder.resolve()), variant, resume)
            try:
                return _follow(server, watch)
            except RayActorError:
                # The records and checkpoints are in the folder: the run goes on from the last of them.
                resume = has_checkpoint(folder)
            finally:
                ray.kill(server)
        raise InputError(
            f"the parameter server died {SERVER_LIVES} times; is there enough memory? {folder} can be resumed"
        )


def server_name(folder: Path) -> str:
    """The Ray name of a run's parameter server: ``ray.get_actor`` finds it, to ask for progress or a snapshot."""
    return f"parameter-server:{folder.resolve()}"


def _follow(server: Any, watch: Callable[[Progress], bool]) -> Outcome:
    outcome = server.execute.remote()
    while True:
        try:
            done: Outcome = ray.get(outcome, timeout=POLL_SECONDS)
            watch(done.progress)
            return done
        except GetTimeoutError:
            if watch(ray.get(server.progress.remote())):
                ray.get(server.stop.remote())
        except RayTaskError as error:
            if isinstance(error.cause, InputError):
                raise error.cause from None
            if isinstance(error, RayActorError):
                raise InputError(
                    f"an edge actor died again and again, so the run was given up ({error.cause}); is there enough "
                    "memory? `mlecs resume` goes on from the last checkpoint"
                ) from error
            raise
