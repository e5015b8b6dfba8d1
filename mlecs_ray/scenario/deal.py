"""From a scenario to the data that each client owns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from torch import from_numpy

from mlecs_ray.data import dataset as datasets
from mlecs_ray.data.dataset import Split
from mlecs_ray.data.environment import Rules
from mlecs_ray.data.holdings import Partition, dealt
from mlecs_ray.data.local import Environments
from mlecs_ray.data.partition import Holding, by_domain, by_quantity, dirichlet, iid
from mlecs_ray.data.pool import Dataset, Pool, answering_classes
from mlecs_ray.errors import InputError
from mlecs_ray.method import Client
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.config import DataConfig, Scenario
from mlecs_ray.seeds import derive
from mlecs_ray.sim.population import CLOUD


@dataclass(frozen=True)
class Hand:
    """Who owns what; the cloud owns the public samples. ``parts`` says it once and for all, or step by step."""

    dataset: Dataset
    parts: Partition | Environments

    @property
    def environments(self) -> Environments | None:
        """Where what clients own shifts."""
        return self.parts if isinstance(self.parts, Environments) else None

    @property
    def sizes(self) -> NDArray[np.int32]:
        """Samples by client."""
        return self.parts.sizes

    @cached_property
    def held(self) -> Sequence[frozenset[str]]:
        """For each client the modalities of which it has a sample, or may come to have one where what it owns shifts;
        clients that have the same share one set."""
        present = self.dataset.train.present
        if isinstance(self.parts, Environments):
            return (frozenset(modality for modality, mask in present.items() if mask.any()),) * len(self.sizes)
        whole = frozenset(modality for modality, mask in present.items() if mask.all())
        some = {modality: mask.numpy() for modality, mask in present.items() if modality not in whole}
        if not some:
            return (whole,) * len(self.parts)
        shared: dict[frozenset[str], frozenset[str]] = {}
        drawn = (whole | {m for m, mask in some.items() if mask[part].any()} for part in self.parts)
        return tuple(shared.setdefault(held, held) for held in drawn)

    @property
    def test(self) -> Samples:
        return self.dataset.test

    def shard(self, client: Client) -> Samples:
        if client.id == CLOUD:
            return self.dataset.public
        if isinstance(self.parts, Environments):
            return self.parts.local(client.id, client.step)
        return self.dataset.train.take(from_numpy(self.parts[client.id]))

    def local_test(self, client: Client) -> Samples:
        return self.parts.local_test(client.id, client.step) if isinstance(self.parts, Environments) else self.test

    def local_truth(self, client: Client) -> Samples:
        """``local_test`` without its inputs: what answers to it are judged by."""
        if isinstance(self.parts, Environments):
            whole = replace(self.test, inputs={}, present={})
            return whole.take(from_numpy(self.parts.test_rows(client.id, client.step)))
        return self.test


def contexts_of(hand: Hand) -> tuple[tuple[int, ...], ...]:
    """The sets of classes that occur together, where there are only so many in the fleet."""
    return hand.environments.around.contexts if hand.environments else ()


def deal(scenario: Scenario) -> tuple[Dataset, Hand]:
    """The data set and its deal: a function of the scenario, so that every process comes to the same one."""
    dataset = read(scenario, _change(scenario))
    hand = Hand(dataset, _parts(scenario, dataset))
    for client, held in enumerate(hand.held):
        if not held:
            raise InputError(
                f"client {client} has none of {list(dataset.modalities)} in its {hand.sizes[client]} samples, so it "
                "has nothing to learn from: name more in data.modalities, or leave it out"
            )
    return dataset, hand


def read(scenario: Scenario, change: Callable[[Pool], Pool] | None = None) -> Dataset:
    """The data set; ``change``, a value, is made to all samples before they are split."""
    return _read(scenario.data, scenario.seed, scenario.task.answer == "class", change)


def _change(scenario: Scenario) -> Callable[[Pool], Pool] | None:
    if scenario.task.kind != "reid":
        return None
    # Language models take seconds to import; who classifies digits need not wait for them.
    from mlecs_ray.scenario.reid import lowered

    return lowered(scenario)


@lru_cache(maxsize=2)
def _read(config: DataConfig, seed: int, classes: bool, change: Callable[[Pool], Pool] | None) -> Dataset:
    split = Split(config.public_share, config.test_share, config.fold)
    name = config.path if config.name == "parquet" and config.path else config.name
    # Folds are parts of one order, so that together they test every identity once, whatever the runs' seeds are.
    drawn = derive(seed if config.fold is None else 0, "split")
    dataset = datasets.load(name, drawn, split, config.modalities or (), config.path, change)
    if config.public_domains is not None:
        dataset = replace(dataset, public=of_domains(dataset, config.public_domains))
    return answering_classes(dataset) if classes else dataset


def of_domains(dataset: Dataset, domains: tuple[str, ...]) -> Samples:
    """The public samples of these domains; nobody gets the others."""
    public = dataset.public
    unknown = [domain for domain in domains if domain not in public.domains]
    if unknown or not domains:
        there = ", ".join(sorted(set(public.domains))) or "none"
        raise InputError(
            f"data.public_domains={list(domains)} must be one or more domains that public samples of {dataset.name} "
            f"are of, which are {there}, or the cloud has not what it was to have"
        )
    return public.take([row for row, domain in enumerate(public.domains) if domain in domains])


def _parts(scenario: Scenario, dataset: Dataset) -> Partition | Environments:
    config, clients, train = scenario.data, scenario.clients.count, dataset.train
    seed, holding = derive(scenario.seed, "partition"), Holding(config.minimum, config.per_client)
    match config.partition:
        case "iid":
            return iid(len(train), clients, seed, holding)
        case "quantity":
            return by_quantity(len(train), clients, config.sigma, seed, holding)
        case "dirichlet":
            if train.labels is None:
                raise InputError(f"data.partition=dirichlet needs labels, {dataset.name} has none; try iid or quantity")
            return dirichlet(train.labels.numpy(), clients, config.alpha, seed, holding)
        case "domain":
            if not train.domains:
                raise InputError(f"data.partition=domain needs domains, {dataset.name} has none; try iid or quantity")
            return by_domain(train.domains, clients, seed, holding)
        case "given":
            return _given(dataset, clients)
        case "environments":
            names = {field.name for field in fields(Rules)}
            rules = Rules(**config.environments.model_dump(include=names))
            return Environments(train, dataset.test, rules, clients, derive(scenario.seed, "environments"))


def _given(dataset: Dataset, clients: int) -> Partition:
    if not dataset.owners:
        raise InputError(f"data.partition=given needs a client column, {dataset.name} has none; try iid")
    names, owner = np.unique(np.asarray(dataset.owners), return_inverse=True)
    if len(names) != clients:
        raise InputError(
            f"clients.count={clients} but {dataset.name} names {len(names)} clients: set clients.count={len(names)}, "
            "or some data has no owner"
        )
    return dealt(owner, clients)
