"""The captioner's task of the benchmark: its scenario, and how well a state says the test captions."""

from pathlib import Path

import torch

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client
from mlecs_ray.models.captioner import CaptionTask
from mlecs_ray.scenario.build import Built
from mlecs_ray.scenario.config import (
    ClientsConfig,
    DataConfig,
    EvaluationConfig,
    LocalConfig,
    MethodConfig,
    RuntimeConfig,
    Scenario,
    TaskConfig,
)
from mlecs_ray.server.schedule import Schedule
from mlecs_ray.tree import Tree
from mlecs_ray.wire import load_tree

HELD_OUT = 64
"""Test captions that the negative log-likelihood is taken over."""
_CHUNK = 16


def scenario(rounds: int, per_round: int = 10, clients: int = 100) -> Scenario:
    """Synchronous FedAvg of ``edge-small`` with LoRA: 16 captions a client, 4 steps of 4."""
    return Scenario(
        name="bench",
        seconds=1e12,
        merges=rounds,
        data=DataConfig(
            name="stamps",
            modalities=("image", "speech_es", "speech_fr", "speech_ru"),
            test_share=0.15,
            per_client=16,
        ),
        clients=ClientsConfig(count=clients, devices={"jetson-nano": 1.0}, jitter=0.0),
        task=TaskConfig(kind="caption", slms=("edge-small",)),
        local=LocalConfig(optimizer="sgd", lr=0.1, batch=4, clip=1.0),
        method=MethodConfig(name="fedavg"),
        schedule=Schedule(concurrency=per_round, buffer=per_round, barrier=True),
        # One row: how the captions are is measured after the run.
        evaluation=EvaluationConfig(metrics=("rouge_lsum",), rows=1),
        runtime=RuntimeConfig(backend="local", checkpoint_every=10**9),
    )


def caption_task(built: Built) -> CaptionTask:
    """The task; raises InputError where the scenario has another."""
    if not isinstance(built.task, CaptionTask):
        raise InputError(f"task.kind={built.scenario.task.kind} must be caption, or there is no language model")
    return built.task


def captioner(built: Built) -> Client:
    """A client with all senses."""
    return built.world.client(0, 0.0)


@torch.no_grad()
def nll(built: Built, state: Tree) -> float:
    """Mean nats per word token of the first test captions; dropout is on, as the loss has it, and drawn alike."""
    task, client = caption_task(built), captioner(built)
    test = built.dataset.test
    count = min(HELD_OUT, len(test))
    torch.manual_seed(0)
    parts = [test.take(range(i, min(i + _CHUNK, count))) for i in range(0, count, _CHUNK)]
    losses = [float(task.loss(task.part(state, client), part, client)) * len(part) for part in parts]
    return sum(losses) / count


def artifact_nll(built: Built, folder: Path) -> float:
    """``nll`` of the state with which a run ended."""
    return nll(built, load_tree(folder / "artifact" / "state.safetensors"))
