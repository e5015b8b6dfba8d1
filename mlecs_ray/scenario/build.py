"""From a scenario to everything that a run is made of; what cannot work is refused here, before any actor starts."""

import dataclasses
import functools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from mlecs_ray.data.pool import Dataset
from mlecs_ray.errors import InputError
from mlecs_ray.events import Train
from mlecs_ray.method import Client, Method, cloud_trains, cohort_obstacle, collaborates, having_told, outline
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.compose import first_seed, make_method
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.deal import Hand, contexts_of, deal
from mlecs_ray.scenario.judging import check_metrics, cloud_view, measured, searches_of
from mlecs_ray.scenario.learn import make_task
from mlecs_ray.scenario.names import ON_DEVICES
from mlecs_ray.scenario.sources import check_executed, digests
from mlecs_ray.scenario.world import make_world, shifts_missed
from mlecs_ray.seeds import derive
from mlecs_ray.server.core import Server
from mlecs_ray.server.engine import Engine, Happening, Limits
from mlecs_ray.server.evaluation import Evaluator, Judge, Plan
from mlecs_ray.server.journal import Journal, Scope
from mlecs_ray.server.pace import Pace, VirtualPace, WallPace
from mlecs_ray.sim.arithmetic import multiply
from mlecs_ray.sim.cohorts import within
from mlecs_ray.sim.fleet import Fleet
from mlecs_ray.sim.population import CLOUD, cloud_client
from mlecs_ray.sim.worker import Worker
from mlecs_ray.sim.world import World, tiers
from mlecs_ray.task import Task
from mlecs_ray.tree import Tree, tree_bytes

if TYPE_CHECKING:
    from mlecs_ray.methods.reid.cloud import Cloud


@dataclass(frozen=True)
class Roster:
    """The server's view of the world."""

    world: World
    cloud_client: Client
    cloud: bool

    @property
    def count(self) -> int:
        return self.world.count

    def client(self, client: int, now: float) -> Client:
        return self.cloud_client if client == CLOUD else self.world.client(client, now)

    def tier(self, client: int) -> int:
        return self.world.population.tier_of(client)


@dataclass(frozen=True)
class Built:
    """A scenario, ready to run."""

    scenario: Scenario
    dataset: Dataset
    hand: Hand
    world: World
    task: Task
    method: Method

    @cached_property
    def teaching(self) -> "Cloud | None":
        """The cloud whose teacher answers beside the models that it taught; None where there is none, or not here."""
        if self.scenario.task.kind != "reid":
            return None
        # Language models take seconds to import.
        from mlecs_ray.scenario.reid import teaching_cloud

        return teaching_cloud(self.scenario, self.dataset.public)

    @property
    def make_worker(self) -> Callable[[], Worker]:
        """Makes a worker in whatever process; only the scenario travels, the data is read there, and so are files of
        the user's own, which must be those that this process executed."""
        return functools.partial(make_worker, self.scenario, digests(self.scenario))

    @property
    def most_together(self) -> Callable[[Train], int]:
        """How many clients may train as one cohort with this one."""
        runtime = self.scenario.runtime
        return within(runtime.cohort, runtime.cohort_memory_mb * 1e6)

    @cached_property
    def roster(self) -> Roster:
        samples = len(self.dataset.public)
        return Roster(
            self.world,
            cloud_client(self.dataset.modalities, max(samples, 1), self.task.structure_names[-1]),
            cloud_trains(self.method),
        )


def build(scenario: Scenario) -> Built:
    """Read the data, deal it, draw the clients, make the method; raises InputError for what cannot run."""
    # As in the workers: what a method prepares here must round the same wherever it is prepared.
    torch.set_num_threads(1)
    multiply(scenario.runtime.precision)
    _check_clock(scenario)
    _check_rounds(scenario)
    _check_device(scenario)
    dataset, hand = deal(scenario)
    task = make_task(scenario, dataset.shape)
    _check_structures(scenario, task.structure_names)
    world = make_world(scenario, hand, task.structure_names[0])
    method = make_method(scenario, task, dataset.public, contexts_of(hand))
    check_metrics(scenario, dataset)
    state = outline(method, first_seed(scenario.seed))
    world = _with_tiers(scenario, world, method, state)
    _check_memory(world, method, state, dataset)
    if scenario.runtime.cohort > 1 and (why := cohort_obstacle(method)):
        _tell(f"runtime.cohort={scenario.runtime.cohort} has no effect: {why}, so clients train one by one")
    if missed := shifts_missed(scenario):
        _tell(missed)
    if scenario.method.name in ON_DEVICES and not scenario.evaluation.local:
        _tell(
            f"evaluation.local=false judges {scenario.method.name} by the cloud's model, which is on no device: true "
            "judges devices by their own models"
        )
    return Built(scenario, dataset, hand, world, task, method)


@lru_cache
def _tell(message: str) -> None:
    """Once per process: a run builds its scenario more than once."""
    logging.getLogger(__name__).warning(message)


def make_worker(scenario: Scenario, own: Mapping[str, str] | None = None) -> Worker:
    """What an actor is made of. Raises InputError where a file of the user's ``own`` is another by now."""
    check_executed(own or {})
    multiply(scenario.runtime.precision)
    dataset, hand = deal(scenario)
    task = make_task(scenario, dataset.shape)
    return Worker(make_method(scenario, task, dataset.public, contexts_of(hand)), hand, scenario.runtime.device)


def make_engine(built: Built, fleet: Fleet, journal: Journal) -> Engine:
    """Server, world, clock and evaluation, joined."""
    scenario = built.scenario
    server = Server(built.method, scenario.schedule, built.roster, derive(scenario.seed, "server"), scenario.guard)
    plan = make_plan(built)
    plan = dataclasses.replace(plan, seen=functools.partial(_informed, server, plan.seen))
    evaluator = Evaluator(plan, built.method, fleet, journal)
    limits = Limits(scenario.seconds, scenario.merges)
    pace: Pace[Happening] = WallPace() if scenario.clock == "wall" else VirtualPace()
    return Engine(server, built.world, fleet, journal, evaluator, limits, pace=pace)


def make_plan(built: Built) -> Plan:
    """Who is measured, on which rows, and when."""
    config, test = built.scenario.evaluation, judged(built.scenario, built.dataset)
    environments = built.hand.environments
    view, searches = cloud_view(built.scenario, built.dataset), searches_of(built.dataset.name, test)
    return Plan(
        judges=(*_whole(built), *_some_clients(built)),
        seen=functools.partial(_seen, built.world),
        measure=functools.partial(measured, config.metrics, test, built.hand, view, searches),
        rows=len(test),
        local_rows=environments.rules.test_rows if environments else len(test),
        every_merges=config.every_merges,
        every_seconds=config.every_seconds,
    )


def judged(scenario: Scenario, dataset: Dataset) -> Samples:
    """The test rows that an evaluation reads."""
    test = dataset.test
    return test.take(range(min(scenario.evaluation.rows or len(test), len(test))))


def _seen(world: World, client: Client, now: float) -> Client:
    """An edge client through the sensors that work now; whoever has all modalities keeps them."""
    return world.client(client.id, now) if client.id != CLOUD else client


def _informed(server: Server, seen: Callable[[Client, float], Client], client: Client, now: float) -> Client:
    """An edge client as it is ``seen``, with what it has told."""
    return server.informed(seen(client, now)) if client.id != CLOUD else client


def judge_clients(built: Built) -> list[Client]:
    """A client with all modalities for every edge structure in use, and the cloud where its LLM is measured.

    Of a method that leaves connectors with the clients, those structures that the server can answer as by itself.
    """
    example, used = built.world.client(0, 0.0), built.world.population.structures
    if collaborates(built.method):
        used = built.method.whole_structures
    modalities = frozenset(built.dataset.modalities)
    judges = [
        Client(CLOUD, modalities, example.budget, "judge", example.samples, name)
        for name in built.task.structure_names
        if name in used
    ]
    task = built.scenario.task
    cloud = built.method.cloud_trains if collaborates(built.method) else task.kind == "caption" and task.cloud_llm
    return [*judges, built.roster.cloud_client] if cloud else judges


def _whole(built: Built) -> list[Judge]:
    return [
        Judge("cloud" if client.role == "cloud" else "global", client.structure or "model", client)
        for client in judge_clients(built)
    ]


def _some_clients(built: Built) -> list[Judge]:
    """Evenly chosen clients, seen through their own modalities: as sent, and with what they kept."""
    count = min(built.scenario.evaluation.clients, built.world.count)
    chosen = [round(i * built.world.count / count) for i in range(count)]
    clients = [built.world.client(number, 0.0) for number in chosen]
    local = built.scenario.evaluation.local
    # Where clients keep parts of their models, what they are sent is no model by itself.
    scopes: tuple[Scope, ...] = ("personal",) if local or collaborates(built.method) else ("client", "personal")
    return [Judge(scope, str(client.id), client, local) for client in clients for scope in scopes]


def _check_clock(scenario: Scenario) -> None:
    clients = scenario.clients
    moves = clients.availability.joins or clients.availability.leaves
    faults = clients.faults.dropout or clients.faults.upload_loss or clients.faults.partitions
    if scenario.clock == "wall" and (clients.availability.kind != "always" or moves or faults):
        raise InputError(
            "clock=wall takes real arrivals, so simulated availability and faults would never happen: "
            "set clients.availability=always without joins and leaves, and no clients.faults, or clock=virtual"
        )


def _check_device(scenario: Scenario) -> None:
    """On Ray the cluster is asked, as this machine may be one without."""
    runtime = scenario.runtime
    if runtime.backend == "local" and runtime.device == "cuda" and not torch.cuda.is_available():
        raise InputError("runtime.device=cuda, but torch finds no GPU here, so nothing was started: set it to cpu")


def _check_rounds(scenario: Scenario) -> None:
    schedule, clients = scenario.schedule, scenario.clients.count // scenario.schedule.tiers
    if schedule.barrier and schedule.deadline is None and clients < schedule.buffer:
        raise InputError(
            f"schedule.buffer={schedule.buffer} with barrier=true waits for as many clients, but a tier has {clients}, "
            "so no round would ever end: raise clients.count, lower the buffer, or set schedule.deadline"
        )


def _check_structures(scenario: Scenario, structures: tuple[str, ...]) -> None:
    for device, structure in scenario.clients.structures.items():
        if device not in scenario.clients.devices:
            raise InputError(
                f"clients.structures names {device!r}, which is not in clients.devices {list(scenario.clients.devices)}"
                ", so no client would run it"
            )
        if structure not in structures:
            raise InputError(
                f"clients.structures.{device}={structure!r} is no structure of the task, which has {list(structures)}"
            )


def _with_tiers(scenario: Scenario, world: World, method: Method, state: Tree) -> World:
    count = scenario.schedule.tiers
    if count == 1:
        return world
    seconds = np.empty(world.count)
    for number in range(world.count):
        client = having_told(method, state, world.client(number, 0.0))
        tree = method.assign(state, client)
        seconds[number] = world.expected_seconds(client, tree_bytes(tree), method.work(client, tree))
    world.population = world.population.with_tiers(tiers(seconds, count))
    return world


def _check_memory(world: World, method: Method, state: Tree, dataset: Dataset) -> None:
    """One client of each device and structure, with all modalities: the largest job that can come."""
    seen: set[tuple[int, int]] = set()
    population = world.population
    for number, kind in enumerate(zip(population.device.tolist(), population.structure.tolist(), strict=True)):
        if kind in seen:
            continue
        seen.add(kind)
        client = having_told(method, state, population.client(number, frozenset(dataset.modalities)))
        world.check_memory(client, method.work(client, method.assign(state, client)))
