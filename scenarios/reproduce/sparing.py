"""Studies train no device whose learning no figure of theirs depends on."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from mlecs_ray.events import Train
from mlecs_ray.method import Update
from mlecs_ray.run.local import local_fleet
from mlecs_ray.scenario.build import Built, make_plan
from mlecs_ray.sim.fleet import Fleet, Probe, Ready
from mlecs_ray.tree import Tree
from scenarios.reproduce.eclm.rows import ON_DEVICE


@dataclass(frozen=True)
class SparingFleet:
    """As ``inner``, but jobs that send nothing and whose client is not ``measured`` are not trained: they take their
    virtual time, and their clients keep nothing. All events and measurements are the same."""

    inner: Fleet
    measured: frozenset[int]

    def train(self, train: Train) -> Awaitable[Update]:
        client = train.job.client
        if train.work.upload or train.work.tells or client.id in self.measured:
            return self.inner.train(train)
        return Ready(Update({}, float(client.samples), norm=0.0))

    def commit(self, client: int, number: int) -> None:
        self.inner.commit(client, number)

    def keepers(self) -> frozenset[int]:
        return self.inner.keepers()

    def predict(self, probe: Probe) -> Awaitable[list[Any]]:
        return self.inner.predict(probe)

    async def kept(self) -> Mapping[int, Tree]:
        return await self.inner.kept()

    async def answers(self) -> Mapping[int, Update]:
        return await self.inner.answers()

    def restore(self, kept: Mapping[int, Tree], answers: Mapping[int, Update]) -> None:
        self.inner.restore(kept, answers)

    async def close(self) -> None:
        await self.inner.close()


async def sparing(built: Built) -> Fleet:
    """All clients in this process; where devices learn alone only the measured ones do. Whom the server picks must not
    depend on what they learn, or all do."""
    fleet, scenario = await local_fleet(built), built.scenario
    if scenario.method.name not in ON_DEVICE or scenario.schedule.selection == "utility":
        return fleet
    return SparingFleet(fleet, frozenset(judge.client.id for judge in make_plan(built).judges))
