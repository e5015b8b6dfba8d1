"""From a scenario to how devices adapt a cloud's classifier, and what the cloud knows beforehand."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlecs_ray.method import Method
from mlecs_ray.methods.adaptivenet import AdaptiveNet
from mlecs_ray.methods.alone import LocalAdaptation, NoAdaptation
from mlecs_ray.methods.eclm.enhance import SubTasks
from mlecs_ray.methods.eclm.options import ECLM
from mlecs_ray.methods.eclm.prototype import Prototype
from mlecs_ray.methods.eclm.system import ModularCloud
from mlecs_ray.methods.finetuned import FineTuned
from mlecs_ray.methods.heterofl import HeteroFL
from mlecs_ray.methods.local import LocalTraining
from mlecs_ray.methods.optimizers import AdamW
from mlecs_ray.methods.pretrained import Offline, Pretrained
from mlecs_ray.models.classifier import ClassifierTask
from mlecs_ray.models.modular import Modular
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.seeds import generator

ADAPTING: Mapping[str, type[Any]] = {
    "eclm": ECLM,
    "noadaptation": NoAdaptation,
    "localadaptation": LocalAdaptation,
    "adaptivenet": AdaptiveNet,
    "heterofl": HeteroFL,
    "fedavgft": FineTuned,
}
"""By the name that scenarios use; their fields are options, but for ``GIVEN``."""
GIVEN = ("task", "local", "seed")
"""What the scenario gives them."""
SUBTASKS = 20
"""So many sets of classes the cloud thinks of, where it is not told which there are."""


def pretrained(scenario: Scenario, task: ClassifierTask, public: Samples) -> Pretrained:
    """``task``, trained on the public samples before the run."""
    config = scenario.task
    local = LocalTraining(AdamW(config.pretrain_lr), config.pretrain_batch, config.pretrain_epochs)
    return Pretrained(task, Offline(public, local))


def adaptation(
    scenario: Scenario,
    task: Pretrained,
    local: LocalTraining,
    contexts: Sequence[tuple[int, ...]],
    seed: int,
    **options: Any,
) -> Method:
    """The scenario's method. ``seed``: of what devices leave the factory with, and of what is drawn by chance."""
    match scenario.method.name:
        case "eclm":
            return _eclm(scenario, task, local, contexts, seed, ECLM(**options))
        case "noadaptation":
            return NoAdaptation(task, local)
        case "localadaptation":
            return LocalAdaptation(task, local, seed)
        case "adaptivenet":
            return AdaptiveNet(task, local, seed, **options)
        case "fedavgft":
            return FineTuned(task, local)
        case _:
            return HeteroFL(task, local, **options)


def _eclm(
    scenario: Scenario,
    task: Pretrained,
    local: LocalTraining,
    contexts: Sequence[tuple[int, ...]],
    seed: int,
    options: ECLM,
) -> ModularCloud:
    model = Modular(task.task.network, options.grain, options.top)
    subtasks = _subtasks(scenario, task.offline.public, task.task.network.classes, contexts)
    prototype = Prototype(task, model, subtasks, options)
    schedule = scenario.schedule
    jobs = schedule.buffer if schedule.barrier else min(schedule.concurrency, scenario.clients.count)
    return ModularCloud(prototype, local, jobs, scenario.clients.count, seed)


def _subtasks(scenario: Scenario, public: Samples, classes: int, contexts: Sequence[tuple[int, ...]]) -> SubTasks:
    """The sets of classes that devices are known to meet; else the domains, where each device is in one; else sets of
    classes such as they may meet, the domains that the public samples are of, or the classes one by one."""
    surroundings, domains = scenario.data.environments, tuple(sorted(set(public.domains)))
    told_apart, size = len(domains) > 1, surroundings.classes
    if contexts:
        return SubTasks(tuple(contexts))
    if size and size < classes and not (told_apart and surroundings.domains):
        chance = generator(scenario.seed, "subtasks")
        drawn = (chance.choice(classes, size, replace=False) for _ in range(SUBTASKS))
        return SubTasks(tuple(tuple(sorted(int(label) for label in one)) for one in drawn))
    return SubTasks(domains=domains) if told_apart else SubTasks(tuple((label,) for label in range(classes)))
