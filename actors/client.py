"""The Ray actor that hosts edge clients."""

import os
import pickle
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ray
import torch

from actors.lane import Door, Gate
from actors.parcel import NOTHING, opened, shared
from mlecs_ray.errors import InputError
from mlecs_ray.method import Client, Job, Update
from mlecs_ray.sim.memory import pss_bytes
from mlecs_ray.sim.worker import Worker
from mlecs_ray.wire import Packed, pack, pack_many

RESTARTS = 3
"""How often Ray restarts an actor and its jobs: a job that kills its actor every time must not do so for ever."""


@dataclass(frozen=True)
class Order:
    """A job without its trees, which travel beside it as shared objects; ``payload`` and ``kept`` are their places."""

    client: Client
    version: int
    seed: int
    payload: int
    kept: int


@dataclass(frozen=True)
class Answers:
    """The updates of one call as they cross the wire; what each client keeps is an object of its own."""

    trees: Packed
    weights: list[float]
    metrics: list[dict[str, float]]
    keeps: list[bool]
    norms: list[float | None]
    door: Door | None
    """Where the next small call may come in, on the same machine."""
    seconds: float
    """Real time that the call took."""


@dataclass(frozen=True)
class Vitals:
    """What an actor costs."""

    pid: int
    pss_bytes: int
    """Proportional set size: a page shared by n processes counts 1/n, so that the sum over actors is true."""
    node: str
    """Ray's id of the machine."""
    door: Door | None


class EdgeHost:
    """Hosts the data of its clients and nothing they have learned, so it may die at any time."""

    def __init__(self, make_worker: Callable[[], Worker]) -> None:
        self._made: Worker | InputError
        self._alone = threading.Lock()
        """The gate has a thread of its own, and jobs seed torch for all."""
        self._gate = Gate(self._passed)
        try:
            self._made = make_worker()
        except InputError as error:
            # Of an actor that fails to start Ray tells its death alone; whatever is asked of this one tells why.
            self._made = error

    def _worker(self) -> Worker:
        """Raises InputError where it could not be made."""
        if isinstance(self._made, InputError):
            raise self._made
        return self._made

    def train(self, cohorts: list[list[Order]], *objects: Packed) -> Any:
        """Jobs, those of a cohort together; gives Answers and, for each job, what its client keeps, to the fleet."""
        with self._alone:
            return self._train(cohorts, objects)

    def _passed(self, call: bytes) -> bytes:
        """``train`` for whoever comes through the gate; what is pickled holds trees as they are packed."""
        torch.set_num_threads(1)
        # The gate lets in nobody but the server, which alone was told the key.
        cohorts, objects = pickle.loads(call)
        return pickle.dumps(self.train(cohorts, *objects))

    def _train(self, cohorts: list[list[Order]], objects: Sequence[Packed]) -> Any:
        began = time.monotonic()
        trees = [opened(packed) for packed in objects]
        updates = [update for orders in cohorts for update in self._cohort(orders, trees)]
        answers = Answers(
            shared(pack_many([update.tree for update in updates])),
            [update.weight for update in updates],
            [dict(update.metrics) for update in updates],
            [bool(update.kept) for update in updates],
            [update.norm for update in updates],
            self._gate.door,
            time.monotonic() - began,
        )
        return answers, *(shared(pack(update.kept)) if update.kept else NOTHING for update in updates)

    def _cohort(self, orders: list[Order], trees: list[dict[str, Any]]) -> list[Update]:
        jobs = [Job(order.client, order.version, order.seed, trees[order.payload]) for order in orders]
        return self._worker().train_many(jobs, [trees[order.kept] for order in orders])

    def predict(self, client: Client, payload: Packed, kept: Packed, rows: range, local: bool) -> list[Any]:
        """Answers to these test rows, with ``local`` of the client's own test."""
        with self._alone:
            return self._worker().predict(client, opened(payload), opened(kept), rows, local)

    def vitals(self) -> Vitals:
        """Answers when the actor is ready to work; raises InputError where it cannot be."""
        self._worker()
        return Vitals(os.getpid(), pss_bytes(), ray.get_runtime_context().get_node_id(), self._gate.door)


EdgeClient = ray.remote(max_restarts=RESTARTS, max_task_retries=RESTARTS)(EdgeHost)
