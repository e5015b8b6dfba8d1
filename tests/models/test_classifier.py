"""A network as a task."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from mlecs_ray.errors import InputError
from mlecs_ray.models.classifier import ClassifierTask, Network, cost_of, forward, params_of
from mlecs_ray.models.decompose import Grain, decompose, parts
from mlecs_ray.models.supernet import Supernet
from mlecs_ray.samples import Samples
from mlecs_ray.tree import tree_digest
from tests.methods.toy import client

TWO = ClassifierTask(Network((5,), 3, "mlp", (8,)), (("a", 2), ("b", 3)))


def _samples(**columns):
    inputs = {name: torch.rand(4, width) for name, width in columns.items()}
    return Samples(inputs, labels=torch.tensor([0, 1, 2, 0]))


def test_several_modalities_are_read_one_after_another_and_absent_ones_are_zeros():
    both = _samples(a=2, b=3)
    assert torch.equal(TWO.inputs(both), torch.cat([both.inputs["a"], both.inputs["b"]], 1))
    assert TWO.inputs(both.only({"b"}))[:, :2].abs().sum() == 0


def test_rows_that_lack_the_modality_are_zeros():
    task = ClassifierTask(Network((2,), 3, "mlp", (8,)), (("a", 2),))
    some = Samples({"a": torch.ones(2, 2)}, {"a": torch.tensor([True, False])}, labels=torch.tensor([0, 1]))
    assert task.inputs(some).tolist() == [[1, 1], [0, 0]]


def test_a_picture_that_is_sent_as_a_row_is_the_picture():
    """Requests carry numbers, data sets pictures."""
    task = ClassifierTask(Network((3, 4, 4), 2, "vgg", (4, 8)), (("image", 48),))
    pictures = torch.rand(2, 3, 4, 4)
    assert torch.equal(task.inputs(Samples({"image": pictures.flatten(1)})), pictures)
    assert torch.equal(task.inputs(Samples({"image": pictures})), pictures)


def test_the_same_seed_gives_the_same_weights():
    assert tree_digest(TWO.init(1)) == tree_digest(TWO.init(1)) != tree_digest(TWO.init(2))


def test_the_loss_is_the_networks_cross_entropy_and_the_answer_its_likeliest_class():
    params, batch = TWO.init(0), _samples(a=2, b=3)
    network = TWO.network.fresh(0)
    network.load_state_dict({f"{part}.{name}": leaf for part, tree in params.items() for name, leaf in tree.items()})
    logits = network(TWO.inputs(batch))
    assert torch.allclose(TWO.loss(params, batch, client()), nn.functional.cross_entropy(logits, batch.labels))
    assert TWO.predictor(params, client())(batch) == logits.argmax(1).tolist()


def test_a_linear_network_costs_two_flops_a_weight_forward_and_four_back():
    """5 x 8 and 8 x 3; the gradient of the input is not needed: 2 (40 + 24) + 2 (40 + 24) + 2 x 24."""
    assert cost_of(TWO.network, 16).flops_per_sample == 2 * 64 + 2 * 64 + 2 * 24


def test_a_client_without_its_modalities_is_refused():
    with pytest.raises(InputError, match="none of"):
        TWO.part({}, replace(client(), modalities=frozenset({"c"})))


def test_a_network_of_ones_own_is_taken_as_it_is():
    network = Network((4,), 2, "mine", make=lambda form, classes: nn.Sequential(nn.Linear(form[0], classes)))
    assert ClassifierTask(network, (("x", 4),)).init(0)["0"]["weight"].shape == (2, 4)
    with pytest.raises(InputError, match="no widths"):
        network.narrowed(0.5)


def test_a_part_without_weights_may_stand_in_several_places():
    """One ReLU and one flattening pool, each used twice, do what they do in the sequence."""
    act, pool = nn.ReLU(), nn.AvgPool1d(2)
    made = nn.Sequential(nn.Linear(8, 8), act, pool, nn.Sequential(nn.Linear(4, 8)), act, pool, nn.Linear(4, 3))
    x, network = torch.randn(5, 8), Network((8,), 3, "mine", make=lambda *_: made)
    assert torch.equal(forward(made, params_of(made), x), made(x))
    whole = network_of_modules(network, x)
    assert set(whole) == {"decomposed", "supernet"}
    for name, (answers, expected) in whole.items():
        assert torch.allclose(answers, expected, atol=1e-6), name


def network_of_modules(network, x):
    """What a decomposed network of all its parts and the whole path of a supernet answer, and what they should."""
    net = Supernet(network)
    params = params_of(network.module)
    body = decompose(network.module, network.form, Grain(2, 1.0))
    gates = torch.zeros(len(x), *body.shape)
    gates[:, :, 0] = 1.0
    modules = [body.layers[0][0] if name == "3" else part for name, part in parts(network.module)]
    expected = x
    for module in modules:
        expected = module(expected)
    return {
        "decomposed": (body.forward(body.params, x, gates), expected),
        "supernet": (net.forward(params, x, net.paths[0]), network.module(x)),
    }


@pytest.mark.parametrize(
    ("fields", "name"), [({"kind": "rsnet"}, "rsnet"), ({"widths": ()}, "hidden"), ({"widths": (0,)}, "0")]
)
def test_what_cannot_be_made_is_refused(fields, name):
    with pytest.raises(InputError, match=name):
        Network((4,), 2, **fields)
