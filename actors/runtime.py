"""A Ray runtime for some runs; knows nothing of torch, so that it starts while this process imports torch."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray._private.node import Node

from mlecs_ray.scenario.config import Scenario

OBJECT_STORE_BYTES = 256 * 2**20
WARM = ("torch", "safetensors.torch", "pydantic")
"""What every actor imports first, torch alone for two seconds: idle workers do so before they are asked.

Nothing of our own: where one checkout runs in the environment of another, workers do not know yet which is meant.
"""
SPARED = ("start_monitor", "start_api_server", "start_log_monitor")
"""What Ray's head node starts, waits for, and we have no use for: an autoscaler, a dashboard, logs for the driver."""


@contextmanager
def runtime(*scenarios: Scenario) -> Iterator[None]:
    """A Ray runtime for these runs: a running cluster's, one that this process already has, or one of our own."""
    if ray.is_initialized():
        yield
        return
    # Ray's usage reports would go out to the internet; a simulator has no business there.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address := scenarios[0].runtime.address:
        ray.init(address=address, **options)
    else:
        _start(**options, num_cpus=os.cpu_count(), resources=device_resources(*scenarios))
    try:
        yield
    finally:
        ray.shutdown()


def _start(**options: Any) -> None:
    with _spared():
        ray.init(
            **options,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            _system_config={"preload_python_modules": list(WARM)},
        )


@contextmanager
def _spared() -> Iterator[None]:
    """Head nodes start without what is ``SPARED``: Ray has no option for it, and it takes seconds of every start."""
    real = {name: vars(Node)[name] for name in SPARED if name in vars(Node)}
    for name in real:
        setattr(Node, name, lambda *_, **__: None)
    try:
        yield
    finally:
        for name, method in real.items():
            setattr(Node, name, method)


def offered() -> dict[str, float]:
    """What the cluster has, in Ray's names."""
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]  # Ray does not type it
    return resources


def device_resources(*scenarios: Scenario) -> dict[str, float]:
    """Of each device as much as all clients would ask for if they were of its kind: known before any is drawn."""
    most: dict[str, float] = {}
    for clients in (scenario.clients for scenario in scenarios):
        most |= {name: max(float(clients.count), most.get(name, 0.0)) for name in clients.devices}
    return {f"device:{name}": number for name, number in sorted(most.items())}
