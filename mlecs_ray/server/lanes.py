"""A tier of clients: who is idle, which round is open, what is under way and what has arrived."""

from dataclasses import dataclass, field
from typing import NamedTuple

from mlecs_ray.events import Train
from mlecs_ray.method import Client, Update
from mlecs_ray.server.select import Pool


class Flight(NamedTuple):
    """A job that has been sent and not answered."""

    train: Train
    lane: int
    round: int
    started: float
    edge_merges: int
    """The server's when it was sent."""


class Waiting(NamedTuple):
    """An update that has arrived and waits for its merge; how stale it is shows then."""

    number: int
    edge_merges: int
    """The server's when its job was sent."""
    client: Client
    update: Update


@dataclass
class Lane:
    """One tier: its idle clients, its open round and what has arrived for the next merge."""

    index: int
    pool: Pool
    round: int = 0
    open: int = 0
    """Jobs in flight that may still be merged: with a barrier those of this round, else all."""
    buffer: list[Waiting] = field(default_factory=list)
    alarmed: int = -1
    """The round whose deadline is set."""
