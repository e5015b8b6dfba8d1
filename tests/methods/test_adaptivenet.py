"""AdaptiveNet: search on the device, then local training of what was found."""

from dataclasses import replace

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.methods.adaptivenet import AdaptiveNet, path_cost
from mlecs_ray.models.classifier import ClassifierTask, Network
from mlecs_ray.stacks import shapes
from tests.methods.adapting import CLOUD, LOCAL, WIDTH, Field, cached, device, pretrained, samples

__all__ = ["cached"]
pytestmark = pytest.mark.usefixtures("cached")
DEEP = ClassifierTask(Network((WIDTH,), 4, "mlp", (12, 12, 12, 12)), (("x", WIDTH),))


def _method(**options):
    return AdaptiveNet(replace(pretrained(30), task=DEEP), LOCAL, 0, **{"share": 1.0, "branch_epochs": 30, **options})


def test_every_path_answers_after_the_offline_stage():
    """The whole network, and each of its shortcuts, that were taught by it."""
    method, test = _method(), samples(200, 3)
    state = method.init(0)
    for path in method.net.paths:
        answers = method.net.forward(state, test.inputs["x"], path).argmax(1)
        assert (answers == test.labels).float().mean() > 0.7


def test_a_device_takes_the_path_with_the_least_loss_on_its_samples():
    method, data = _method(), samples(30, 2, turn=1.0)
    state = method.init(0)
    path = method._best(state, data, device())
    losses = {
        one: torch.nn.functional.cross_entropy(method.net.forward(state, data.inputs["x"], one), data.labels).item()
        for one in method.net.paths
    }
    assert losses[path] == min(losses.values())


def test_a_weak_device_may_take_shortcuts_only():
    method = _method()
    allowed = method.allowed(device(0, "phone-low"))
    assert method.net.paths[0] not in allowed
    assert len(method.allowed(device())) == len(method.net.paths)
    costs = [path_cost(DEEP.network, path, 4)[1] for path in allowed]
    assert max(costs) < path_cost(DEEP.network, method.net.paths[0], 4)[1]


def test_it_adapts_and_nothing_travels():
    field, test = Field.of(_method()), samples(200, 77, turn=1.5)
    before = field.accuracy(device(), test)
    for lap in range(3):
        arrival = field.adapt(device(), samples(40, 2, turn=1.5), seed=lap)
    assert arrival.update.tree == {}
    assert field.accuracy(device(), test) > before + 0.1


def test_for_the_cloud_it_is_the_network_itself():
    field = Field.of(_method())
    assert field.accuracy(CLOUD, samples(200, 3)) > 0.8


def test_the_outline_has_the_shapes_of_what_is_made():
    method = _method()
    assert shapes(method.outline()) == shapes(method.init(0))


@pytest.mark.parametrize("options", [{"share": 0.0}, {"branch_epochs": 0}])
def test_wrong_options_are_refused(options):
    with pytest.raises(InputError):
        _method(**options)
