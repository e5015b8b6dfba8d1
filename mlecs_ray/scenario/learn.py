"""From a scenario to what is learned: the task, with the shapes of the data."""

from mlecs_ray.data.pool import Dataset
from mlecs_ray.errors import InputError
from mlecs_ray.models.mlp import FusionTask, MLPTask
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.task import Task


def make_task(scenario: Scenario, dataset: Dataset) -> Task:
    """The model and its loss, with the shapes of the data."""
    task, shapes = scenario.task, dataset.train.inputs
    if task.kind != "caption" and len(dataset.classes) < 2:
        raise InputError(
            f"task.kind={task.kind} needs labels of two or more classes, {dataset.name} has {len(dataset.classes)}: "
            "there is nothing to tell apart; task.kind=caption learns from texts"
        )
    match task.kind:
        case "mlp":
            (modality,) = dataset.modalities if len(dataset.modalities) == 1 else _only_one(dataset)
            width = shapes[modality][0].numel()
            return MLPTask((width, *task.hidden, len(dataset.classes)), modality)
        case "fusion":
            dims = tuple((modality, shapes[modality][0].numel()) for modality in dataset.modalities)
            return FusionTask(dims, len(dataset.classes), task.hidden[0])
        case "caption":
            # Language models take seconds to import; who classifies digits need not wait for them.
            from mlecs_ray.scenario.captions import caption_task

            return caption_task(scenario, dataset)


def _only_one(dataset: Dataset) -> tuple[str]:
    raise InputError(
        f"task.kind=mlp reads one modality, {dataset.name} has {list(dataset.modalities)}: "
        "choose one by data.modalities, or task.kind=fusion"
    )
