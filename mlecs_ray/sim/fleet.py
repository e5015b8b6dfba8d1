"""Where jobs run: the engine hands them out and awaits them in the order of virtual time."""

from collections.abc import Awaitable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from mlecs_ray.events import Train
from mlecs_ray.method import Client, Job, Update
from mlecs_ray.sim.cohorts import Cohort, Cohorts
from mlecs_ray.sim.worker import Worker, chunks
from mlecs_ray.tree import Tree

T = TypeVar("T")


@dataclass(frozen=True)
class Probe:
    """Ask for the answers of ``client``'s model to the test rows; ``personal``: with what that client kept, if it kept
    something; ``local``: to the rows of its own test."""

    client: Client
    tree: Tree
    rows: int
    personal: bool = False
    local: bool = False


def untold(client: Client) -> Client:
    """Without what it told: it knows that itself, and a method reads it on the server alone."""
    return replace(client, told={}) if client.told else client


class Fleet(Protocol):
    """Time is simulated; the learning is real. What clients keep is owned here, never by the server."""

    def train(self, train: Train) -> Awaitable[Update]:
        """Take the job up; ``kept`` is that of the client's last committed job."""

    def commit(self, client: int, number: int) -> None:
        """Job ``number`` has ended in the virtual world: what its client kept becomes what it has."""

    def keepers(self) -> frozenset[int]:
        """The clients that have kept something."""

    def predict(self, probe: Probe) -> Awaitable[list[Any]]:
        """Begin to answer the test rows now."""

    async def kept(self) -> Mapping[int, Tree]:
        """All committed states, for a checkpoint."""

    async def answers(self) -> Mapping[int, Update]:
        """Updates by job that have not been awaited, of cohorts of several, for a checkpoint: from the jobs that are
        left after a resume nobody could tell who trained together."""

    def restore(self, kept: Mapping[int, Tree], answers: Mapping[int, Update]) -> None:
        """Take up the states of a checkpoint, and the answers to jobs that are about to be taken up again."""

    async def close(self) -> None:
        """Stop what was started."""


class Ready(Generic[T]):
    """An awaitable whose value is here already."""

    def __init__(self, value: T) -> None:
        self._value = value

    def __await__(self) -> Generator[None, None, T]:
        return self._value
        yield  # never reached: it makes this a generator, as await wants


class LocalFleet:
    """Runs jobs in this process, when the clock comes to them."""

    def __init__(self, worker: Worker, cohorts: Cohorts | None = None) -> None:
        self._worker, self._cohorts = worker, cohorts or Cohorts()
        self._closed: dict[int, Cohort] = {}
        """The cohort of each job that has one and was not trained yet."""
        self._updates: dict[int, Update] = {}
        self._kept: dict[int, Tree] = {}
        self._fresh: dict[int, Tree] = {}

    def train(self, train: Train) -> Awaitable[Update]:
        if train.number not in self._updates and (cohort := self._cohorts.add(train)):
            self._close(cohort)
        return _Answer(self, train.number)

    def _close(self, cohort: Cohort) -> None:
        self._closed.update(dict.fromkeys((train.number for train in cohort), cohort))

    def answer(self, number: int) -> Update:
        """The update of this job, which is trained now if it was not."""
        if number not in self._updates:
            if number not in self._closed:
                for cohort in self._cohorts.close():
                    self._close(cohort)
            self._run(self._closed[number])
        update = self._updates.pop(number)
        self._fresh[number] = update.kept
        return update

    def _run(self, cohort: Cohort) -> None:
        kepts = [self._kept.get(train.job.client.id, {}) for train in cohort]
        updates = self._worker.train_many([_untold_job(train.job) for train in cohort], kepts)
        for train, update in zip(cohort, updates, strict=True):
            self._updates[train.number] = update
            del self._closed[train.number]

    def commit(self, client: int, number: int) -> None:
        if fresh := self._fresh.pop(number, {}):
            self._kept[client] = fresh

    def keepers(self) -> frozenset[int]:
        return frozenset(self._kept)

    def predict(self, probe: Probe) -> Awaitable[list[Any]]:
        kept = self._kept.get(probe.client.id, {}) if probe.personal else {}
        client, predict = untold(probe.client), self._worker.predict
        parts = (predict(client, probe.tree, kept, rows, probe.local) for rows in chunks(probe.rows))
        return Ready([answer for part in parts for answer in part])

    async def kept(self) -> Mapping[int, Tree]:
        return dict(self._kept)

    async def answers(self) -> Mapping[int, Update]:
        for cohort in [cohort for number, cohort in self._closed.items() if number == cohort[0].number]:
            if len(cohort) > 1:
                self._run(cohort)
        return dict(self._updates)

    def restore(self, kept: Mapping[int, Tree], answers: Mapping[int, Update]) -> None:
        self._kept, self._updates = dict(kept), dict(answers)

    async def close(self) -> None:
        """Nothing was started."""


def _untold_job(job: Job) -> Job:
    return replace(job, client=untold(job.client)) if job.client.told else job


class _Answer:
    """The update of a job, trained when it is awaited."""

    def __init__(self, fleet: LocalFleet, number: int) -> None:
        self._fleet, self._number = fleet, number

    def __await__(self) -> Generator[None, None, Update]:
        return self._fleet.answer(self._number)
        yield  # never reached: it makes this a generator, as await wants
