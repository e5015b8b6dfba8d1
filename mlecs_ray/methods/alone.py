"""What edge-cloud adaptation is held against: devices that go on with the cloud's model alone, as it is or adapted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from torch import Tensor

from mlecs_ray.method import Arrival, Client, Job, Predictor, Update, Work
from mlecs_ray.methods.local import LocalTraining, fit, require_samples, seen_of
from mlecs_ray.methods.pretrained import Pretrained
from mlecs_ray.models.classifier import ClassifierTask
from mlecs_ray.samples import Samples
from mlecs_ray.task import Task
from mlecs_ray.tree import Tree, tree_to


@dataclass(frozen=True, eq=False)
class NoAdaptation:
    """Every device answers with the model that the cloud had at first. A job looks at what it owns, no more."""

    task: Task
    local: LocalTraining

    def init(self, seed: int) -> Tree:
        return self.task.init(seed)

    def assign(self, state: Tree, client: Client) -> Tree:
        """Nothing travels: devices leave the factory with the model."""
        return {}

    def work(self, client: Client, tree: Tree) -> Work:
        """A third of a step's cost for each sample: forward alone."""
        require_samples(client, client.samples)
        cost = self.task.cost(client, self.local.batch)
        return Work(cost.flops_per_sample / 3 * client.samples, {}, cost.memory_bytes, cost.shared_bytes)

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        return Update({}, float(len(data)))

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        return state

    def shown(self, state: Tree, client: Client) -> Tree:
        """What devices left the factory with."""
        return self.task.part(state, client)

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        return self.task.predictor(tree, client)


@dataclass(frozen=True, eq=False)
class OwnNetworks:
    """How devices answer that keep a whole network each, as ``model``: what methods of such devices have in common."""

    task: Pretrained | ClassifierTask
    local: LocalTraining

    def shown(self, state: Tree, client: Client) -> Tree:
        """What a device that has not trained yet answers with."""
        return self.task.part(state, client)

    def model(self, tree: Tree, kept: Tree, client: Client) -> Tree:
        """Its own, once it has one."""
        own: Tree = kept.get("model") or tree
        return own

    def scores(self, model: Tree, client: Client) -> Callable[[Samples], Tensor]:
        """Those of the network."""
        return partial(self.task.logits, model)

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        return self.task.predictor(self.model(tree, kept, client), client)


@dataclass(frozen=True, eq=False)
class LocalAdaptation(OwnNetworks):
    """Every device trains the cloud's first model on what it owns, all of it and alone."""

    seed: int
    """Of the model with which devices leave the factory."""

    @cached_property
    def _factory(self) -> Tree:
        return self.task.init(self.seed)

    def init(self, seed: int) -> Tree:
        return self.task.init(seed)

    def assign(self, state: Tree, client: Client) -> Tree:
        """Nothing travels."""
        return {}

    def work(self, client: Client, tree: Tree) -> Work:
        """Every sample it will meet, forward and backward."""
        require_samples(client, client.samples)
        cost = self.task.cost(client, self.local.batch)
        flops = cost.flops_per_sample * seen_of(self.local, client.samples)
        return Work(flops, {}, cost.memory_bytes, cost.shared_bytes)

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        """From what it has come to so far."""
        begin = kept.get("model") or tree_to(self.task.part(self._factory, job.client), data.device)
        own = Job(job.client, job.version, job.seed, begin)
        learned = fit(self.task, self.local, own, data)
        return Update({}, float(len(data)), {"model": learned.params}, {"loss": learned.loss})

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        return state
