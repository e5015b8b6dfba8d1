"""MLLMEmbed-ReID over a fleet of cameras (arXiv 2602.12936): the teacher stays in the cloud, its directions go down.

[paper] A multimodal LLM teaches a student by cosine, principal component and relation matching, offline. [ours] In a
fleet the student goes on learning where people are seen: each camera from what it sees in its own modalities, and the
cloud, after every merge, again from its teacher. Neither pictures nor teacher travel; with the student go the teacher's
principal directions, in which a camera keeps what the cloud taught it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from mlecs_ray.method import Arrival, Client, Job, Predictor, Update, Work
from mlecs_ray.methods.checks import check
from mlecs_ray.methods.local import LocalTraining, descend, require_samples, seen_of
from mlecs_ray.methods.reid.cloud import Cloud
from mlecs_ray.methods.reid.options import MLLMEmbedReID
from mlecs_ray.methods.reid.schooled import Schooled
from mlecs_ray.models.reid.course import Course
from mlecs_ray.models.reid.distillation import principal
from mlecs_ray.models.reid.losses import whole
from mlecs_ray.samples import Samples
from mlecs_ray.stacks import holders_mean
from mlecs_ray.tree import Tree, overlay, tree_sub


@dataclass(frozen=True, eq=False)
class Cameras:
    """Final. State: ``student`` and ``basis``, whose ``directions`` (d, k) never change."""

    task: Schooled
    local: LocalTraining
    options: MLLMEmbedReID

    def __post_init__(self) -> None:
        check(
            not self.options.again or self._cloud.schooling.taught.steps > 0,
            f"again={self.options.again} needs a teacher, but reid.student.taught_steps=0: set one of them",
        )

    @property
    def _cloud(self) -> Cloud:
        return self.task.cloud

    @property
    def cloud_trains(self) -> bool:
        """Whether the cloud has a job after every merge."""
        return self.options.again > 0

    def init(self, seed: int) -> Tree:
        """The student that the cloud has taught, and the teacher's directions."""
        return {"student": self.task.init(seed), "basis": {"directions": self._cloud.basis()}}

    def outline(self) -> Tree:
        """The shapes of ``init``, untaught."""
        width = self.task.task.student.width
        return {"student": self.task.outline(), "basis": {"directions": torch.zeros(width, self._components)}}

    @cached_property
    def _components(self) -> int:
        rules = self._cloud.schooling.rules
        # Of an energy nobody knows how many they will be before there is a teacher.
        return rules.components

    def assign(self, state: Tree, client: Client) -> Tree:
        """What its modalities run, and to a camera the teacher's directions."""
        if client.role == "cloud":
            return {"student": state["student"]}
        student = self.task.part(state["student"], client)
        return {"student": student, "basis": state["basis"]} if self.options.anchor else {"student": student}

    def work(self, client: Client, tree: Tree) -> Work:
        """Every sample it will meet; where it is anchored, once more forward. Raises InputError for a client without
        samples."""
        cost = self.task.cost(client, self.local.batch)
        if client.role == "cloud":
            batches = self._cloud.schooling.batches
            rows = self.options.again * batches.identities * batches.each
            return Work(rows * cost.flops_per_sample, {"student": tree["student"]}, cost.memory_bytes)
        require_samples(client, client.samples)
        # Forward is a third of a step.
        passes = 1 + (1 / 3 if self.options.anchor else 0)
        flops = passes * cost.flops_per_sample * seen_of(self.local, client.samples)
        return Work(flops, {"student": tree["student"]}, cost.memory_bytes, cost.shared_bytes)

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        """How far the student moved."""
        if job.client.role == "cloud":
            return self._taught(job)
        require_samples(job.client, len(data))
        fit = descend(_Loss(self, job.tree), job.tree["student"], self.local, data, job.seed)
        moved = tree_sub(fit.params, job.tree["student"])
        return Update({"student": moved}, float(len(data)), metrics={"loss": fit.loss})

    def _taught(self, job: Job) -> Update:
        lesson = self._cloud.lesson(Course(self.options.again, self.options.again_lr), taught=True)
        learned, losses = lesson.learn(job.tree["student"], job.seed)
        moved = tree_sub(learned, job.tree["student"])
        return Update({"student": moved}, 1.0, metrics={"loss": sum(losses) / len(losses)})

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        """Add the mean of what cameras moved, part by part over those who have it; and whole what the cloud did."""
        moved = holders_mean((a.update.tree["student"], a.update.weight) for a in arrivals)
        return {**state, "student": overlay(state["student"], moved, torch.add)}

    def shown(self, state: Tree, client: Client) -> Tree:
        """The student alone: what answers, and is served."""
        return self.task.part(state["student"], client)

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        """The student's own vectors, by what is ``shown``."""
        return self.task.predictor(tree, client)


@dataclass(frozen=True, eq=False)
class _Loss:
    """What a camera learns from, as it was sent ``sent``."""

    method: Cameras
    sent: Tree

    def __call__(self, params: Tree, batch: Samples) -> Tensor:
        task = self.method.task.task
        batch = task.varied(batch)
        seen = task.embedded(params, batch)
        found = task.told(params, batch, seen)
        if not (self.method.options.anchor and seen):
            return found
        with torch.no_grad():
            before = task.embedded(self.sent["student"], batch)
        kept = principal(whole(seen).features, whole(before).features, self.sent["basis"]["directions"])
        return found + self.method.options.anchor * kept
