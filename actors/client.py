"""The Ray actor that hosts edge clients."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client, Job, Update
from mlecs_ray.sim.worker import Worker
from mlecs_ray.wire import pack, unpack

RESTARTS = 3
"""How often Ray restarts an actor and its jobs: a job that kills its actor every time must not do so for ever."""


@dataclass(frozen=True)
class Order:
    """A job without its payload, which travels beside it as one shared object."""

    client: Client
    version: int
    seed: int


@dataclass(frozen=True)
class Answer:
    """An update as it crosses the wire; what the client keeps is an object of its own."""

    tree: bytes
    weight: float
    metrics: dict[str, float]
    keeps: bool


@dataclass(frozen=True)
class Vitals:
    """What an actor costs."""

    pid: int
    pss_bytes: int
    """Proportional set size: a page shared by n processes counts 1/n, so that the sum over actors is true."""


class EdgeHost:
    """Hosts the data of its clients and nothing they have learned, so it may die at any time."""

    def __init__(self, make_worker: Callable[[], Worker]) -> None:
        self._refused: InputError | None = None
        try:
            self._worker = make_worker()
        except InputError as error:
            # Of an actor that fails to start Ray tells its death alone; ``vitals`` tells why.
            self._refused = error

    @ray.method(num_returns=2)
    def train(self, order: Order, payload: bytes, kept: bytes) -> tuple[Answer, bytes]:
        """One job; what the client keeps goes back to the fleet as an object of its own."""
        job = Job(order.client, order.version, order.seed, unpack(payload))
        update: Update = self._worker.train(job, unpack(kept) if kept else {})
        answer = Answer(pack(update.tree), update.weight, dict(update.metrics), bool(update.kept))
        return answer, pack(update.kept) if update.kept else b""

    def predict(self, client: Client, payload: bytes, kept: bytes, rows: range) -> list[Any]:
        """Answers to these test rows."""
        return self._worker.predict(client, unpack(payload), unpack(kept) if kept else {}, rows)

    def vitals(self) -> Vitals:
        """Answers when the actor is ready to work; raises InputError where it cannot be."""
        if self._refused:
            raise self._refused
        return Vitals(os.getpid(), _pss_bytes())


def _pss_bytes() -> int:
    """From the kernel's own account; 0 where it keeps none."""
    try:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


EdgeClient = ray.remote(max_restarts=RESTARTS, max_task_retries=RESTARTS)(EdgeHost)
