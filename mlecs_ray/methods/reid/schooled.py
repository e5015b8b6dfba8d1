"""A student whose first parameters the cloud has taught, as a task that any method federates."""

from dataclasses import dataclass

from torch import Tensor

from mlecs_ray.method import Client, Predictor
from mlecs_ray.methods.reid.cloud import Cloud
from mlecs_ray.models.reid.task import ReIDTask
from mlecs_ray.samples import Samples
from mlecs_ray.task import Cost
from mlecs_ray.tree import Tree


@dataclass(frozen=True, eq=False)
class Schooled:
    """``task``, but ``init`` gives the student that the cloud has taught: alone, then from its teacher."""

    task: ReIDTask
    cloud: Cloud

    @property
    def structure_names(self) -> tuple[str, ...]:
        return self.task.structure_names

    def init(self, seed: int) -> Tree:
        return self.task.student.part(self.cloud.pupil(), frozenset(self.task.modalities))

    def outline(self) -> Tree:
        """The shapes of ``init``, untaught."""
        return self.task.init(0)

    def part(self, params: Tree, client: Client) -> Tree:
        return self.task.part(params, client)

    def loss(self, params: Tree, batch: Samples, client: Client) -> Tensor:
        return self.task.loss(params, batch, client)

    def cost(self, client: Client, batch: int) -> Cost:
        return self.task.cost(client, batch)

    def predictor(self, params: Tree, client: Client) -> Predictor:
        return self.task.predictor(params, client)
