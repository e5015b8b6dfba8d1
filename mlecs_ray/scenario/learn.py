"""From a scenario to what is learned: the task, with the shapes of the data."""

from pathlib import Path

import torch
from torch import Tensor, nn

from mlecs_ray.data.pool import Shape
from mlecs_ray.errors import InputError
from mlecs_ray.models.classifier import ClassifierTask, Network
from mlecs_ray.models.decompose import own_weights
from mlecs_ray.models.mlp import FusionTask, MLPTask
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.modules import load_object
from mlecs_ray.task import Task

_TWOFOLD = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)


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
        case "reid":
            from mlecs_ray.scenario.reid import reid_task

            return reid_task(scenario, shape)


def _network(scenario: Scenario, shape: Shape) -> ClassifierTask:
    task, classes = scenario.task, len(shape.classes)
    form = shape.forms[0] if len(shape.forms) == 1 else (sum(width for _, width in shape.widths),)
    if ":" not in task.network:
        if task.network.endswith(".py"):
            raise InputError(
                f"task.network={task.network} names no function of that file, so there is no model: write "
                f"task.network={task.network}:make, where make(form, classes) gives a torch.nn.Sequential"
            )
        return ClassifierTask(Network(form, classes, task.network, task.hidden), shape.widths)
    path, _, name = task.network.rpartition(":")
    network = Network(form, classes, name, task.hidden, load_object(Path(path), name))
    _try(network, f"task.network={task.network} with form={form} and classes={classes}")
    return ClassifierTask(network, shape.widths)


def _try(network: Network, called: str) -> None:
    """Raise InputError for a network of one's own that classifies nothing: it is tried on two samples of zeros."""
    try:
        made: object = network.module
        given: object = made(torch.zeros(2, *network.form)) if isinstance(made, nn.Sequential) else None
    except Exception as error:
        # A user's own function may raise anything.
        raise InputError(f"{called} fails, so there is no model: {type(error).__name__}: {error}") from error
    if not isinstance(made, nn.Sequential):
        raise InputError(f"{called} must give a torch.nn.Sequential of its parts, not {type(made).__name__}")
    if twofold := next(((name, one) for name, one in made.named_modules() if isinstance(one, _TWOFOLD)), None):
        raise InputError(
            f"{called} has part {twofold[0]}, a {type(twofold[1]).__name__}, which does one thing in training and "
            "another in answers; networks run one way, so answers would be another's: leave it out, and use "
            "GroupNorm in place of BatchNorm"
        )
    own_weights(made)
    if not isinstance(given, Tensor) or given.shape != (2, network.classes):
        found = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        raise InputError(f"{called} must answer two samples with (2, {network.classes}) numbers, not {found}")


def _only_one(shape: Shape) -> tuple[tuple[str, int]]:
    raise InputError(
        f"task.kind=mlp reads one modality, {shape.name} has {list(shape.modalities)}: "
        "choose one by data.modalities, or task.kind=fusion"
    )
