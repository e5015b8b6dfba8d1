"""Who owns which data, as workers see it."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from mlecs_ray.lazy import Lazy
from mlecs_ray.method import Client
from mlecs_ray.samples import Samples

REMEMBERED_BYTES = 64 * 2**20


class Shards(Protocol):
    """Who owns which data."""

    def shard(self, client: Client) -> Samples:
        """The private data of this client at its step; the public data for the cloud's id, -1."""

    @property
    def test(self) -> Samples:
        """What evaluation reads."""

    def local_test(self, client: Client) -> Samples:
        """Test data like what this client has at its step; ``test`` where nobody has data of its own kind."""


class SeenShards:
    """Clients' data through their sensors, on the device where it is used.

    The newest few megabytes are remembered, since clients come again: on a GPU they need not cross the bus then.
    """

    def __init__(self, shards: Shards, device: str = "cpu", most_bytes: int = REMEMBERED_BYTES) -> None:
        self._shards, self._device, self._most = shards, device, most_bytes
        self._seen: OrderedDict[tuple[int, int, frozenset[str], bool], Samples] = OrderedDict()
        self._bytes = 0

    def of(self, client: Client) -> Samples:
        """What the client owns, through the modalities that it has at this moment."""
        return self._remembered(client, False)

    def _remembered(self, client: Client, test: bool) -> Samples:
        key = client.id, client.step, client.modalities, test
        if key in self._seen:
            self._seen.move_to_end(key)
            return self._seen[key]
        found = self._shards.local_test(client) if test else self._shards.shard(client)
        seen = self._seen[key] = self._placed(found.only(client.modalities))
        self._bytes += _bytes(seen)
        while self._bytes > self._most and len(self._seen) > 1:
            self._bytes -= _bytes(self._seen.popitem(last=False)[1])
        return seen

    def of_all(self, clients: Sequence[Client]) -> Sequence[Samples]:
        """``of`` each, once someone looks: not every method reads what its clients own."""
        return Lazy(len(clients), lambda place: self.of(clients[place]))

    def test(self, rows: range, modalities: frozenset[str]) -> Samples:
        """These test rows through these modalities."""
        return self._placed(self._shards.test.take(rows).only(modalities))

    def local_test(self, rows: range, client: Client) -> Samples:
        """These rows of the client's own test, through the modalities that it has at this moment."""
        return self._remembered(client, True).take(rows)

    def _placed(self, samples: Samples) -> Samples:
        return samples if self._device == "cpu" else samples.to(self._device)


def _bytes(samples: Samples) -> int:
    """Of the inputs, which outweigh all else."""
    return sum(column.nbytes for column in samples.inputs.values())
