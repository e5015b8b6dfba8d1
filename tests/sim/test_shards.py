"""What a client owns is remembered for the step, the sensors and the purpose that it was drawn for."""

from dataclasses import dataclass, field, replace

import torch

from mlecs_ray.method import Client
from mlecs_ray.samples import Samples
from mlecs_ray.sim.shards import SeenShards
from tests.server.fakes import BUDGET

ONE = Client(1, frozenset(("x", "y")), BUDGET, "test", 4)


@dataclass
class Counted:
    """Four samples that tell client and step, and how often they were drawn."""

    drawn: list[tuple[str, int, int]] = field(default_factory=list)
    test: Samples = field(default_factory=lambda: Samples({"x": torch.zeros(6, 1), "y": torch.zeros(6, 1)}))

    def shard(self, client: Client) -> Samples:
        return self._made("shard", client)

    def local_test(self, client: Client) -> Samples:
        return self._made("test", client)

    def _made(self, purpose: str, client: Client) -> Samples:
        self.drawn.append((purpose, client.id, client.step))
        column = 10.0 * client.step + torch.arange(4.0)[:, None]
        return Samples({"x": column, "y": -column})


def test_a_clients_data_is_drawn_once_for_each_step() -> None:
    shards = Counted()
    seen = SeenShards(shards)
    for step in (0, 1, 0, 1):
        assert seen.of(replace(ONE, step=step)).inputs["x"][0].tolist() == [10.0 * step]
    assert shards.drawn == [("shard", 1, 0), ("shard", 1, 1)]


def test_a_clients_own_test_is_beside_its_data() -> None:
    shards = Counted()
    seen = SeenShards(shards)
    for _ in range(2):
        rows = seen.local_test(range(1, 3), replace(ONE, step=2, modalities=frozenset("y")))
        assert (sorted(rows.inputs), rows.inputs["y"][:, 0].tolist()) == (["y"], [-21.0, -22.0])
    seen.of(replace(ONE, step=2))
    assert shards.drawn == [("test", 1, 2), ("shard", 1, 2)]


def test_the_test_of_all_is_read_through_sensors() -> None:
    assert sorted(SeenShards(Counted()).test(range(2), frozenset("x")).inputs) == ["x"]


def test_what_is_too_much_is_forgotten_the_oldest_first() -> None:
    """Two columns of four floats are 32 bytes each time."""
    shards = Counted()
    seen = SeenShards(shards, most_bytes=64)
    for step in (0, 1, 2, 1, 0):
        seen.of(replace(ONE, step=step))
    assert shards.drawn == [("shard", 1, step) for step in (0, 1, 2, 0)]
