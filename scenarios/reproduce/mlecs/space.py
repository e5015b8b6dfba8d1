"""Whether edge and cloud speak of a thing in one place: fused representations of the test samples after a run."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.method import Client
from mlecs_ray.methods.edgecloud import EdgeCloud
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.build import Built, judged
from mlecs_ray.tree import Tree

SPACE = "space"
"""Scope of these measures; subjects are clients."""
BETWEEN, TO_CLOUD, SAID = "between", "to_cloud", "said"
MEASURES: Mapping[str, str] = {
    BETWEEN: "found by another client",
    TO_CLOUD: "found by the cloud",
    SAID: "cosine with the caption's words",
}
NEAREST = 10
"""A sample is found where it is among so many nearest."""


@torch.no_grad()
def shared_space(built: Built, state: Tree, kept: Mapping[int, Tree]) -> dict[str, dict[str, float]]:
    """By client: the share of the test samples that it senses whose own representation by another client
    (``between``, the mean over the others) or by the cloud (``to_cloud``, where its LLM learns) is among the
    ``NEAREST`` by cosine to the client's, and the mean cosine with what the captions say (``said``).

    Nothing for methods whose clients fuse nothing.
    """
    method = built.method
    if not isinstance(method, EdgeCloud):
        return {}
    test = judged(built.scenario, built.dataset)
    clients = {number: built.world.client(number, 0.0) for number in sorted(kept) if number != method.cloud.id}
    views = {number: _view(method, test, state, kept[number], client) for number, client in clients.items()}
    cloud = _view(method, test, state, {}, method.cloud) if method.cloud_trains else None
    said = F.normalize(method.said(test.texts), dim=-1)
    return {str(number): _measured(number, views, cloud, said) for number in clients}


def _view(method: EdgeCloud, test: Samples, state: Tree, kept: Tree, client: Client) -> Tensor:
    """Unit vectors (n, d) of the test samples, zeros where the client senses nothing."""
    seen = test.only(client.modalities)
    params = method.model(method.assign(state, client), kept, client)
    fused = F.normalize(method.task.fused(params, seen, client), dim=-1)
    return fused.masked_fill(~seen.sensed[:, None], 0.0)


def _measured(number: int, views: Mapping[int, Tensor], cloud: Tensor | None, said: Tensor) -> dict[str, float]:
    mine = views[number]
    there = mine.ne(0).any(-1)
    measured = {SAID: float((mine * said).sum(-1)[there].mean())}
    others = [found(mine, other) for key, other in views.items() if key != number]
    if others:
        measured[BETWEEN] = sum(others) / len(others)
    if cloud is not None:
        measured[TO_CLOUD] = found(mine, cloud)
    return {name: round(value, 6) for name, value in measured.items()}


def found(mine: Tensor, other: Tensor) -> float:
    """The share of samples, of those that both sense, whose vector in ``other`` (n, d) is among the nearest to that in
    ``mine``; all are unit vectors or zero."""
    both = mine.ne(0).any(-1) & other.ne(0).any(-1)
    mine, other = mine[both], other[both]
    if not len(mine):
        return 0.0
    nearest = (mine @ other.T).topk(min(NEAREST, len(mine)), dim=1).indices
    return float((nearest == torch.arange(len(mine))[:, None]).any(1).float().mean())
