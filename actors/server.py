"""The parameter server as a Ray actor: it runs the event loop and answers while it does."""

import asyncio
from pathlib import Path

import ray

from actors.client import EdgeHost
from actors.cost import write_cost
from actors.fleet import RayFleet
from actors.placement import Placement
from mlecs_ray.errors import InputError
from mlecs_ray.run.outcome import Outcome
from mlecs_ray.run.progress import Progress
from mlecs_ray.run.session import Session
from mlecs_ray.scenario.build import Built, build
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.sim.cohorts import Cohorts
from mlecs_ray.sim.fleet import Fleet
from mlecs_ray.wire import pack


class _Fleet:
    """Makes the fleet inside the run's event loop. (One async method would make all of a Ray actor async.)"""

    def __init__(self, placement: Placement) -> None:
        self._placement = placement
        self.made: RayFleet | None = None

    async def make(self, built: Built) -> Fleet:
        cohorts = Cohorts(built.most_together)
        self.made = RayFleet(built.make_worker, self._placement.options, self._placement.per_actor, cohorts)
        await self.made.ready()
        return self.made


class ParameterServerHost:
    """One run. ``execute`` has a thread of its own, so ``progress`` and ``snapshot`` never wait for it."""

    def __init__(self, scenario: Scenario, placement: Placement, folder: str, variant: str, resume: bool) -> None:
        self._placement, self._folder = placement, Path(folder)
        self._scenario, self._variant, self._resume = scenario, variant, resume
        self._session: Session | None = None
        self._stopped = False
        self.fleet: _Fleet | None = None

    @ray.method(concurrency_group="loop")
    def execute(self) -> Outcome:
        """Run to the end or to ``stop``."""
        # Built here and not with the actor, so that what is refused comes back as what it is.
        session = self._session = Session(build(self._scenario), self._folder, self._variant, self._resume)
        if self._stopped:
            session.stop()
        self.fleet = _Fleet(self._placement)
        outcome = asyncio.run(session.execute(self.fleet.make))
        if self.fleet.made and self.fleet.made.cost:
            write_cost(self._folder, self.fleet.made.cost)
        return outcome

    def progress(self) -> Progress:
        """How far it is."""
        return self._session.progress() if self._session else Progress()

    def snapshot(self) -> tuple[int, bytes]:
        """The newest version and its state, packed."""
        if self._session is None:
            raise InputError("the run has not started, so there is no state yet; ask for progress first")
        version, state = self._session.snapshot()
        return version, pack(state)

    def stop(self) -> None:
        """End at the next event, with a checkpoint."""
        self._stopped = True
        if self._session:
            self._session.stop()

    def hosts(self) -> list[ray.actor.ActorHandle[EdgeHost]]:
        """The edge actors, for whoever wants to watch or to kill one."""
        return list(self.fleet.made.actors) if self.fleet and self.fleet.made else []


ParameterServer = ray.remote(num_cpus=0, concurrency_groups={"loop": 1})(  # type: ignore[call-overload]  # Ray's
    ParameterServerHost  # own types lack concurrency_groups
)
