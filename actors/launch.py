"""From the driver's side: a Ray runtime, one parameter server, its progress, and a clean end."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.placement import check, device_resources, place
from actors.server import ParameterServer
from mlecs_ray.errors import InputError
from mlecs_ray.run.checkpoint import has_checkpoint
from mlecs_ray.run.outcome import Outcome
from mlecs_ray.run.progress import Progress
from mlecs_ray.scenario.build import Built, build
from mlecs_ray.scenario.config import Scenario

OBJECT_STORE_BYTES = 256 * 2**20
POLL_SECONDS = 0.25
SERVER_LIVES = 3
"""How often a run is resumed after its parameter server died."""


@contextmanager
def runtime(*built: Built) -> Iterator[None]:
    """A Ray runtime for these runs: a running cluster's, one that this process already has, or one of our own."""
    if ray.is_initialized():
        yield
        return
    # Ray's usage reports would go out to the internet; a simulator has no business there.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address := built[0].scenario.runtime.address:
        options["address"] = address
    else:
        options |= {"num_cpus": os.cpu_count(), "resources": device_resources(*built)}
        options |= {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    ray.init(**options)
    try:
        yield
    finally:
        ray.shutdown()


def offered() -> dict[str, float]:
    """What the cluster has, in Ray's names."""
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]  # Ray does not type it
    return resources


def run_on_ray(
    scenario: Scenario,
    folder: Path,
    variant: str = "",
    resume: bool = False,
    watch: Callable[[Progress], bool] = lambda _: False,
) -> Outcome:
    """Run on Ray; ``watch`` sees the progress four times a second and says whether to stop."""
    built = build(scenario)
    with runtime(built):
        placement = place(built, offered()["CPU"])
        check(placement, offered())
        for _ in range(SERVER_LIVES):
            # Here, where the run folder is: on a cluster it would land anywhere.
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
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
