"""Averaging, then fine-tuning on the device."""

import pytest
import torch

from mlecs_ray.methods.fedavg import FedAvg
from mlecs_ray.methods.finetuned import FineTuned
from mlecs_ray.tree import overlay, tree_digest
from tests.methods.adapting import LOCAL, Field, cached, device, pretrained, samples

__all__ = ["cached"]
pytestmark = pytest.mark.usefixtures("cached")


def fields():
    """FedAvg and it, which begin with the same model."""
    task = pretrained()
    return Field.of(FedAvg(task, LOCAL)), Field.of(FineTuned(task, LOCAL))


def test_what_crosses_and_is_merged_is_fedavgs():
    shared, tuned = fields()
    for lap in range(2):
        for field in (shared, tuned):
            arrivals = [field.adapt(device(n), samples(40, 10 + n, turn=1.5), seed=lap * 9 + n) for n in range(3)]
            field.state = field.method.merge(field.state, arrivals)
        assert tree_digest(shared.state) == tree_digest(tuned.state)


def test_a_device_answers_with_what_its_last_job_ended_with():
    """That is the shared model plus its own update; one that had no job answers with the shared model."""
    shared, tuned = fields()
    test = samples(200, 77, turn=1.5)
    before = tuned.accuracy(device(), test)
    assert before == shared.accuracy(device(), test)
    sent = tuned.state
    arrival = tuned.adapt(device(), samples(40, 2, turn=1.5))
    own = overlay(sent, arrival.update.tree, torch.add)
    assert tree_digest(tuned.kept[0]["model"]) == tree_digest(own)
    assert tuned.accuracy(device(), test) > before
    assert tuned.accuracy(device(1), test) == before
    assert tuned.method.model(sent, tuned.kept[0], device()) is tuned.kept[0]["model"]
