"""Devices that go on alone with the cloud's model."""

import pytest

from mlecs_ray.methods.alone import LocalAdaptation, NoAdaptation
from mlecs_ray.tree import tree_digest
from tests.methods.adapting import LOCAL, Field, cached, device, pretrained, samples

__all__ = ["cached"]
pytestmark = pytest.mark.usefixtures("cached")


def _field(kind):
    task = pretrained()
    return Field.of(NoAdaptation(task, LOCAL) if kind == "none" else LocalAdaptation(task, LOCAL, 0))


@pytest.mark.parametrize("kind", ["none", "local"])
def test_nothing_travels_and_the_server_keeps_what_it_has(kind):
    field = _field(kind)
    arrival = field.adapt(device(), samples(20, 2))
    assert field.method.assign(field.state, device()) == {}
    assert arrival.update.tree == {}
    assert field.method.merge(field.state, [arrival]) is field.state


def test_no_adaptation_changes_nothing():
    field, test = _field("none"), samples(100, 77, turn=1.5)
    before = field.accuracy(device(), test)
    field.adapt(device(), samples(40, 2, turn=1.5))
    assert field.accuracy(device(), test) == before
    assert not field.kept


def test_local_adaptation_learns_the_devices_own_world_and_goes_on_from_there():
    field, test = _field("local"), samples(200, 77, turn=1.5)
    accuracies = [field.accuracy(device(), test)]
    for lap in range(3):
        field.adapt(device(), samples(40, 2, turn=1.5), seed=lap)
        accuracies.append(field.accuracy(device(), test))
    assert accuracies[3] > accuracies[0] + 0.2
    assert field.accuracy(device(1), test) == accuracies[0]


def test_it_begins_with_what_the_server_has_at_first():
    field = _field("local")
    assert tree_digest(field.method._factory) == tree_digest(field.state)


def test_a_job_of_no_adaptation_costs_a_third_of_one_epoch():
    local, none = _field("local").method, _field("none").method
    assert none.work(device(), {}).flops * 3 * LOCAL.epochs == pytest.approx(local.work(device(), {}).flops)
