"""HeteroFL: slices, and their mean element by element."""

from dataclasses import replace

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.methods.heterofl import HeteroFL, merged, sliced
from mlecs_ray.models.classifier import ClassifierTask, Network, params_of
from mlecs_ray.stacks import shapes
from mlecs_ray.tree import tree_digest
from tests.methods.adapting import CLOUD, LOCAL, TASK, Field, cached, device, pretrained, samples

__all__ = ["cached"]
pytestmark = pytest.mark.usefixtures("cached")


def _method(**options):
    return HeteroFL(pretrained(), LOCAL, **{"share": 1.0, **options})


def test_an_element_is_the_mean_over_those_who_hold_it():
    """w + D: the corner has two holders (1 + (2 + 4) / 2 = 4), its row and column one (1 + 4), the rest none."""
    state = {"w": torch.ones(3, 3)}
    found = merged(state, [{"w": torch.full((1, 1), 2.0)}, {"w": torch.full((2, 2), 4.0)}])
    assert found["w"].tolist() == [[4, 5, 1], [5, 5, 1], [1, 1, 1]]


@pytest.mark.parametrize("kind", ["mlp", "vgg", "resnet"])
@pytest.mark.parametrize("ratio", [0.5, 0.25])
def test_the_first_channels_are_a_network_of_the_same_kind(kind, ratio):
    network = Network((1, 8, 8), 5, kind, (8, 16, 16))
    narrow = network.narrowed(ratio)
    slice_ = sliced(params_of(network.module), params_of(narrow.module))
    assert shapes(slice_) == shapes(params_of(narrow.module))


def test_a_weaker_device_gets_a_narrower_slice():
    method = _method()
    widths = {kind: method.level(device(0, kind)).widths[0] for kind in ("phone-high", "phone-low", "gateway")}
    assert widths["phone-high"] == 16
    assert widths["phone-high"] > widths["phone-low"] >= widths["gateway"] >= 1
    assert method.level(CLOUD).widths == (16,)


def test_what_comes_back_has_the_shapes_that_were_promised():
    field = Field.of(_method())
    known, sent, update = field.job(device(0, "phone-low"), samples(20, 2))
    assert shapes(update.tree) == shapes(field.method.work(known, sent).upload)


def test_classes_that_a_device_has_never_seen_keep_their_place():
    """Their outputs are left out of the loss, so nothing pushes them down."""
    field, client, data = Field.of(_method()), device(), samples(20, 2, labels=(0, 1))
    _, _, update = field.job(client, data)
    assert update.tree["2"]["bias"][2:].abs().max() == 0
    open_ = Field.of(_method(masked=False))
    assert open_.job(client, data)[2].tree["2"]["bias"][2:].abs().max() > 0


def test_it_learns_what_devices_meet():
    field, test = Field.of(_method()), samples(200, 77, turn=1.5)
    before = field.accuracy(CLOUD, test)
    for lap in range(3):
        arrivals = [field.adapt(device(n), samples(40, 10 + n, turn=1.5), seed=lap) for n in range(4)]
        field.state = field.method.merge(field.state, arrivals)
    assert field.accuracy(CLOUD, test) > before + 0.1


def test_a_device_that_can_take_all_of_it_makes_it_fedavg():
    """One device with the whole network: w + D."""
    field = Field.of(_method())
    arrival = field.adapt(device(), samples(20, 2))
    state = field.method.merge(field.state, [arrival])
    whole = {
        part: {n: leaf + arrival.update.tree[part][n] for n, leaf in tree.items()} for part, tree in field.state.items()
    }
    assert tree_digest(state) == tree_digest(whole)


@pytest.mark.parametrize("kind", ["transformer", "mine"])
def test_networks_whose_slices_are_none_are_refused(kind):
    make = (lambda *_: torch.nn.Sequential(torch.nn.Linear(6, 4))) if kind == "mine" else None
    task = ClassifierTask(Network((64,), 4, kind, (8,), make), (("x", 64),))
    with pytest.raises(InputError, match="no slice works"):
        HeteroFL(replace(pretrained(), task=task), LOCAL)


def test_a_share_of_nothing_is_refused():
    with pytest.raises(InputError, match="share=0"):
        HeteroFL(replace(pretrained(), task=TASK), LOCAL, share=0.0)
