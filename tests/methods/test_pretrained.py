"""A task that the cloud has trained beforehand."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from mlecs_ray.errors import InputError
from mlecs_ray.methods.local import LocalTraining
from mlecs_ray.methods.optimizers import AdamW
from mlecs_ray.methods.pretrained import Offline, Pretrained, described, digest
from mlecs_ray.models.classifier import ClassifierTask, Network
from mlecs_ray.stacks import shapes
from mlecs_ray.tree import tree_digest
from tests.methods.adapting import TASK, cached, device, pretrained, samples

__all__ = ["cached"]
pytestmark = pytest.mark.usefixtures("cached")


def test_it_begins_where_offline_training_ended():
    task, test = pretrained(), samples(200, 3)
    answers = task.predictor(task.init(0), device())(test)
    assert sum(a == b for a, b in zip(answers, test.labels.tolist(), strict=True)) > 160


def test_it_trains_once_for_each_seed(monkeypatch):
    first, other = (tree_digest(pretrained().init(seed)) for seed in (0, 1))
    assert first != other
    monkeypatch.setattr(Pretrained, "_trained", lambda *_: pytest.fail("trained again"))
    assert tree_digest(pretrained().init(0)) == first


def test_other_data_or_training_is_trained_anew():
    found = {tree_digest(pretrained(epochs).init(0)) for epochs in (1, 2)}
    other = Pretrained(TASK, Offline(samples(80, 2), LocalTraining(AdamW(0.02), 16, 2)))
    assert len({*found, tree_digest(other.init(0))}) == 3


def test_the_outline_has_the_shapes_of_what_is_trained():
    assert shapes(pretrained().outline()) == shapes(pretrained().init(0))


def test_without_public_samples_there_is_nothing_to_learn_from():
    with pytest.raises(InputError, match="public_share"):
        Offline(samples(1), LocalTraining(AdamW(0.02), 16))


class Scaled(nn.Linear):
    """Written the same whatever ``by`` is."""

    def __init__(self, width: int, by: float) -> None:
        super().__init__(width, width)
        self.by = by

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.by * super().forward(x)


def test_networks_that_are_written_alike_and_answer_otherwise_are_told_apart():
    def task(by: float) -> ClassifierTask:
        return ClassifierTask(Network((2,), 2, make=lambda *_: nn.Sequential(Scaled(2, by), nn.Linear(2, 2))))

    assert described(task(1.0)) == described(task(1.0)) != described(task(-5.0))


def test_samples_of_other_domains_are_others():
    known = replace(samples(4, 0), domains=("a", "a", "b", "b"))
    assert digest(known) != digest(replace(known, domains=("b", "b", "a", "a")))
    assert digest(known) != digest(samples(4, 0))
