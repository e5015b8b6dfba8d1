"""From a scenario to what is learned: the task, with the shapes of the data."""

from pathlib import Path

from mlecs_ray.data.pool import Shape
from mlecs_ray.errors import InputError
from mlecs_ray.models.classifier import ClassifierTask, Network
from mlecs_ray.models.mlp import FusionTask, MLPTask
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.modules import load_object
from mlecs_ray.task import Task


def make_task(scenario: Scenario, shape: Shape) -> Task:
    """The model and its loss, with the shapes of the data."""
    task = scenario.task
    if task.kind != "caption" and len(shape.classes) < 2:
        raise InputError(
            f"task.kind={task.kind} needs labels of two or more classes, {shape.name} has {len(shape.classes)}: "
            "there is nothing to tell apart; task.kind=caption learns from texts"
        )
    match task.kind:
        case "mlp":
            ((modality, width),) = shape.widths if len(shape.widths) == 1 else _only_one(shape)
            return MLPTask((width, *task.hidden, len(shape.classes)), modality)
        case "fusion":
            return FusionTask(shape.widths, len(shape.classes), task.hidden[0])
        case "network":
            return _network(scenario, shape)
        case "caption":
            # Language models take seconds to import; who classifies digits need not wait for them.
            from mlecs_ray.scenario.captions import caption_task

            return caption_task(scenario, shape)


def _network(scenario: Scenario, shape: Shape) -> ClassifierTask:
    task = scenario.task
    form = shape.forms[0] if len(shape.forms) == 1 else (sum(width for _, width in shape.widths),)
    if ":" in task.network:
        path, _, name = task.network.rpartition(":")
        network = Network(form, len(shape.classes), name, task.hidden, load_object(Path(path), name))
    else:
        network = Network(form, len(shape.classes), task.network, task.hidden)
    return ClassifierTask(network, shape.widths)


def _only_one(shape: Shape) -> tuple[tuple[str, int]]:
    raise InputError(
        f"task.kind=mlp reads one modality, {shape.name} has {list(shape.modalities)}: "
        "choose one by data.modalities, or task.kind=fusion"
    )
