"""HeteroFL: slices, and their mean element by element."""

from dataclasses import replace

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.methods.heterofl import HeteroFL, merged, sliced
from mlecs_ray.models.classifier import ClassifierTask, Network, forward, params_of
from mlecs_ray.stacks import shapes
from mlecs_ray.tree import tree_digest
from tests.methods.adapting import CLOUD, LOCAL, TASK, Field, cached, device, pretrained, samples

__all__ = ["cached"]
pytestmark = pytest.mark.usefixtures("cached")


SIXTEENTHS = tuple(n / 16 for n in range(16, 0, -1))


def _method(base=None, **options):
    return HeteroFL(base or pretrained(), LOCAL, **{"share": 1.0, **options})


def _right(network, state, test):
    """Of a slice as wide as ``network``."""
    answers = forward(network.module, sliced(state, params_of(network.module)), test.inputs["x"]).argmax(1)
    return (answers == test.labels).float().mean().item()


def test_offline_every_level_learns_what_the_whole_network_knows():
    """A slice of what never was one answers at random; the whole loses nothing by it."""
    method, test = _method(pretrained(60), offline_epochs=60), samples(300, 3)
    state, bare = method.init(0), replace(method, offline_epochs=0).init(0)
    narrow = [TASK.network.narrowed(level) for level in method.levels[2:]]
    before, after = (sum(_right(one, tree, test) for one in narrow) / len(narrow) for tree in (bare, state))
    assert after > before + 0.1
    assert _right(TASK.network, state, test) >= _right(TASK.network, bare, test) - 0.01


def test_nothing_is_learned_offline_where_nothing_was_before():
    plain, none = _method(TASK), _method(offline_epochs=0)
    assert tree_digest(plain.init(0)) == tree_digest(TASK.init(0))
    assert tree_digest(none.init(0)) == tree_digest(none.task.init(0))


def test_what_is_learned_offline_is_kept_by_what_it_depends_on():
    tree = _method().init(0)
    assert tree_digest(_method().init(0)) == tree_digest(tree)
    others = (_method(offline_epochs=2), _method(levels=(1.0, 0.5)), _method(pretrained(19)))
    assert len({tree_digest(one.init(0)) for one in others} | {tree_digest(tree)}) == 4


def test_one_level_is_the_network_trained_on():
    method = _method(levels=(1.0,))
    assert shapes(method.init(0)) == shapes(method.outline())
    assert method.level(device(0, "gateway")) == TASK.network


def test_a_finer_grid_uses_budgets_that_a_coarse_one_misses_by_little():
    """Half of the widths needs a little more than half, as the last biases are not halved: the paper's next is 1/4."""
    network = Network((1, 28, 28), 10, "mlp", (256,))
    base = replace(pretrained(), task=ClassifierTask(network, (("x", 784),)))
    coarse, fine = (
        HeteroFL(base, LOCAL, share=0.5, levels=levels).level(device()).widths
        for levels in (HeteroFL.levels, SIXTEENTHS)
    )
    assert (coarse, fine) == ((64,), (112,))


def test_a_device_has_the_least_whatever_it_is():
    weak = device(0, "gateway")
    widths = [_method(least=least, levels=SIXTEENTHS).level(weak).widths[0] for least in (0.0, 0.8)]
    assert widths[0] < widths[1] == 12


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


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"share": 0.0}, r"share=0.0 must be above 0"),
        ({"least": -0.1}, r"least=-0.1 must lie in \[0, 1\], or no device has so much"),
        ({"least": 1.5}, r"least=1.5 must lie in \[0, 1\]"),
        ({"offline_epochs": -1}, r"offline_epochs=-1 must be 0 or more"),
        ({"levels": ()}, r"levels=\(\) must be numbers above 0 that fall from 1.0"),
        ({"levels": (0.5, 0.25)}, r"levels=\(0.5, 0.25\) must"),
        ({"levels": (1.0, 0.25, 0.5)}, r"levels=\(1.0, 0.25, 0.5\) must"),
        ({"levels": (1.0, 0.5, 0.5)}, r"levels=\(1.0, 0.5, 0.5\) must"),
        ({"levels": (1.0, 0.0)}, r"levels=\(1.0, 0.0\) must"),
        ({"levels": (1.0, "half")}, r"levels=\(1.0, 'half'\) must"),
    ],
)
def test_wrong_options_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        _method(**options)
