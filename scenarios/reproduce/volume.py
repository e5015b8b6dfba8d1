"""How large the models of a run are: what traffic is held against."""

from dataclasses import replace
from functools import lru_cache

from mlecs_ray.method import Client
from mlecs_ray.models.captioner import CaptionTask
from mlecs_ray.models.lora import blank_backbone
from mlecs_ray.scenario.build import Built
from mlecs_ray.task import Task
from mlecs_ray.tree import Tree, tree_bytes
from scenarios.reproduce.measures import Volume


def volume(built: Built) -> Volume:
    """The sizes of what the clients and the cloud of this scenario have."""
    params = built.task.init(0)

    @lru_cache
    def client(number: int, modalities: frozenset[str]) -> int:
        return model_bytes(built.task, params, replace(built.world.client(number, 0.0), modalities=modalities))

    cloud = built.roster.cloud_client
    return Volume(client, model_bytes(built.task, params, cloud) if built.roster.cloud else 0)


def model_bytes(task: Task, params: Tree, client: Client) -> int:
    """All that a client of this structure and these modalities runs: what it trains, and what is frozen."""
    trained = tree_bytes(task.part(params, client))
    if not isinstance(task, CaptionTask):
        return trained
    return trained + blank_backbone(task.structure(client).slm, task.lora).frozen_bytes
