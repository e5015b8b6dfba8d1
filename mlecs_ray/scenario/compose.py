"""From a scenario to how it is learned: the method, shipped or the user's own, and what it wraps."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlecs_ray.errors import InputError
from mlecs_ray.method import Method
from mlecs_ray.methods.baselines import BASELINES
from mlecs_ray.methods.edgecloud import EdgeCloud
from mlecs_ray.methods.exchange import Parts
from mlecs_ray.methods.fedasync import FedAsync
from mlecs_ray.methods.fedat import FedAT
from mlecs_ray.methods.fedavg import FedAvg
from mlecs_ray.methods.fedbuff import FedBuff
from mlecs_ray.methods.fedopt import FedOpt
from mlecs_ray.methods.fedprox import FedProx
from mlecs_ray.methods.local import LocalTraining
from mlecs_ray.methods.mlecs.mma import MMA
from mlecs_ray.methods.mlecs.system import MLECS
from mlecs_ray.methods.optimizers import SGD, AdamW
from mlecs_ray.methods.pretrained import Pretrained
from mlecs_ray.methods.reid.options import MLLMEmbedReID
from mlecs_ray.models.classifier import ClassifierTask
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.adapting import ADAPTING, GIVEN, adaptation, pretrained
from mlecs_ray.scenario.config import BaseMethod, LocalConfig, Scenario
from mlecs_ray.scenario.modules import load_module
from mlecs_ray.scenario.names import ADAPTATIONS, SEARCHES, SYSTEMS, check_methods
from mlecs_ray.scenario.options import check_options, ready
from mlecs_ray.seeds import derive
from mlecs_ray.sim.population import cloud_client
from mlecs_ray.task import Task, can_fuse

WRAPPERS: Mapping[str, type[Any]] = {
    "fedprox": FedProx,
    "fedopt": FedOpt,
    "fedasync": FedAsync,
    "fedbuff": FedBuff,
    "fedat": FedAT,
    "mma": MMA,
}
"""Methods around FedAvg, by the name that scenarios use; all but ``base`` are options."""
KINDS: Mapping[str, type[Any]] = {**WRAPPERS, "mlecs": MLECS, **BASELINES, **ADAPTING, "mllmembedreid": MLLMEmbedReID}
"""All that have options; those of the systems fill the frame of ``EdgeCloud``."""
METHOD = ("init", "assign", "work", "train", "merge", "predictor")
"""What a method of one's own must define."""


def make_local(config: LocalConfig) -> LocalTraining:
    """How a client trains."""
    optimizer: SGD | AdamW
    if config.optimizer == "sgd":
        optimizer = SGD(config.lr, config.momentum, config.weight_decay)
    else:
        optimizer = AdamW(config.lr, weight_decay=config.weight_decay)
    return LocalTraining(optimizer, config.batch, config.epochs, config.steps, config.clip, config.anneal)


def make_method(scenario: Scenario, task: Task, public: Samples, contexts: Sequence[tuple[int, ...]] = ()) -> Method:
    """The scenario's method, around its ``base``, around FedAvg on ``task``; a system meets on ``public`` samples.

    ``contexts``: the sets of classes that occur together on devices, where only so many do. Raises InputError for an
    unknown name or option, or a pair that does not work.
    """
    outer, inner = scenario.method, scenario.method.base
    check_methods(outer.name, inner.name)
    if outer.name in SYSTEMS:
        return _system(scenario, task, public)
    if isinstance(task, ClassifierTask) and scenario.task.pretrain_epochs:
        task = pretrained(scenario, task, public)
    if scenario.task.kind == "reid" or outer.name in SEARCHES:
        # Language models take seconds to import; who classifies digits need not wait for them.
        from mlecs_ray.scenario.reid import cameras, schooled

        task = schooled(scenario, task, public)
        if outer.name in SEARCHES:
            return cameras(task, make_local(scenario.local), _options(outer))
    if outer.name in ADAPTATIONS:
        return _adaptation(scenario, task, contexts)
    _check_ranks(scenario)
    core = FedAvg(task, make_local(scenario.local))
    base = _make(inner, "method.base", core, scenario.schedule.tiers)
    return _make(outer, "method", base, scenario.schedule.tiers)


def _make(config: BaseMethod, key: str, base: Method, tiers: int) -> Method:
    """``config``, found at ``key``, around ``base``."""
    name, options = config.name, dict(config.options)
    if ":" in name:
        return _own(name, key, base, options)
    if name == "fedavg":
        check_options(FedAvg, name, key, ("task", "local"), options)
        return base
    if name == "fedat" and options.setdefault("tiers", tiers) != tiers:
        raise InputError(
            f"{key}.options.tiers={options['tiers']!r} must be schedule.tiers={tiers}, or clients and models do not "
            "meet; leave it out"
        )
    return _call(WRAPPERS[name], name, key, base, options)


def _options(outer: BaseMethod) -> MLLMEmbedReID:
    check_options(MLLMEmbedReID, outer.name, "method", (), outer.options)
    made: MLLMEmbedReID = _construct(MLLMEmbedReID, outer.name, "method", ready(MLLMEmbedReID, outer.options))
    return made


def first_seed(seed: int) -> int:
    """What the server of a run with this seed gives ``init``."""
    return derive(derive(seed, "server"), "init")


def _adaptation(scenario: Scenario, task: Task, contexts: Sequence[tuple[int, ...]]) -> Method:
    """How devices adapt the network that the cloud has pretrained."""
    name, options = scenario.method.name, scenario.method.options
    if not isinstance(task, Pretrained):
        raise InputError(
            f"method.name={name} needs task.kind=network and task.pretrain_epochs of 1 or more, for devices adapt what "
            f"the cloud knows: here are task.kind={scenario.task.kind} and "
            f"task.pretrain_epochs={scenario.task.pretrain_epochs}"
        )
    kind = ADAPTING[name]
    check_options(kind, name, "method", GIVEN, options)
    made = functools.partial(
        adaptation, scenario, task, make_local(scenario.local), contexts, first_seed(scenario.seed)
    )
    method: Method = _construct(made, name, "method", ready(kind, options))
    return method


def _system(scenario: Scenario, task: Task, public: Samples) -> Method:
    """The frame, filled with the parts that the method's options describe."""
    name, options = scenario.method.name, scenario.method.options
    if not can_fuse(task) or scenario.task.cloud_llm is None:
        raise InputError(
            f"method.name={name} needs task.kind=caption and task.cloud_llm, for edge and cloud meet in fused "
            f"representations: here are task.kind={scenario.task.kind} and task.cloud_llm={scenario.task.cloud_llm}"
        )
    check_options(KINDS[name], name, "method", (), options)
    parts = system_parts(scenario)
    part = scenario.schedule.share(scenario.clients.count)
    parts = dataclasses.replace(parts, mixing=dataclasses.replace(parts.mixing, part=part))
    if parts.said:
        task = dataclasses.replace(task, instruction=_instructed(scenario.task.instruction, parts.said))  # type: ignore[type-var]  # every fusing task of ours is a dataclass
    cloud = cloud_client(sorted(public.modalities), max(len(public), 1), task.structure_names[-1])
    return EdgeCloud(task, make_local(scenario.local), public, cloud, derive(scenario.seed, "factory"), parts)


def system_parts(scenario: Scenario) -> Parts:
    """What a system's frame is filled with. Raises InputError where its options do not fit."""
    name, options = scenario.method.name, scenario.method.options
    kind = KINDS[name]
    parts: Parts = _construct(lambda **chosen: kind(**chosen).parts(), name, "method", ready(kind, options))
    return parts


def _instructed(instruction: str, said: str) -> str:
    """With ``said`` before a colon and what follows: the colon stays the last that is heard before an answer."""
    head, colon, rest = instruction.partition(":")
    return head + said + colon + rest


def _check_ranks(scenario: Scenario) -> None:
    """Methods that average leaf by leaf need adapters of one shape."""
    ranks = scenario.task.ranks
    if scenario.task.kind == "caption" and any(rank != scenario.task.rank for rank in ranks.values()):
        raise InputError(
            f"task.ranks={ranks} differ from task.rank={scenario.task.rank}, but method.name={scenario.method.name} "
            f"averages adapters of one shape: leave task.ranks out, or choose one of {', '.join(SYSTEMS)}"
        )


def _own(name: str, key: str, base: Method, options: dict[str, Any]) -> Method:
    path, _, attribute = name.rpartition(":")
    found = getattr(load_module(Path(path)), attribute, None)
    if not isinstance(found, type):
        raise InputError(f"{path} defines no class {attribute!r}, so there is no method to run")
    for function in METHOD:
        if not callable(getattr(found, function, None)):
            raise InputError(
                f"{path}: class {attribute} has no {function}(), so it is no method: it needs {', '.join(METHOD)}"
            )
    return _call(found, name, key, base, options)


def _call(kind: Callable[..., Any], name: str, key: str, base: Method, options: Mapping[str, Any]) -> Method:
    """Construct a method; an option that it does not have, or lacks, is the user's to mend."""
    check_options(kind, name, key, ("base",), options)
    method: Method = _construct(functools.partial(kind, base=base), name, key, ready(kind, options))
    return method


def _construct(kind: Callable[..., Any], name: str, key: str, options: Mapping[str, Any]) -> Any:
    try:
        return kind(**options)
    except InputError as error:
        raise InputError(f"{key}.options: {error}") from error
    except Exception as error:
        # A user's own class may raise anything.
        raise InputError(f"{key}.options {dict(options)} do not fit {name}: {error}") from error


def hyperparameters(kind: type[Any]) -> dict[str, Any]:
    """The options of a shipped method and their defaults, for ``mlecs list``."""
    return {
        field.name: field.default
        for field in dataclasses.fields(kind)
        if field.name not in ("base", "task", "local", "seed")
    }
