"""Modules that begin with a part of their block's weights."""

import pytest
import torch
from torch import nn

from mlecs_ray.models.decompose import Grain, decompose
from mlecs_ray.models.inherit import inherit, share
from mlecs_ray.models.networks import EncoderLayer, ResidualBlock, mlp, norm
from mlecs_ray.models.shrink import shrunk
from mlecs_ray.tree import tree_digest


def heir(block, ratio, place=0, silent=()):
    """The module of this place; the weights of the parts named ``silent`` are zeros when it inherits."""
    module = shrunk(block, ratio)
    for name in silent:
        nn.init.zeros_(module.get_submodule(name).weight)
    inherit(block, module, place)
    return module


def shaken(block):
    """``block`` with norms and biases that can be told apart."""
    for leaf in block.parameters():
        nn.init.normal_(leaf, 0.5, 0.5)
    return block


def test_each_place_has_the_next_channels_around_and_around():
    assert [share(8, 3, place).tolist() for place in range(4)] == [[0, 1, 2], [3, 4, 5], [6, 7, 0], [1, 2, 3]]


@pytest.mark.parametrize(("place", "mine"), [(0, [0, 1, 2]), (2, [6, 7, 0])])
def test_a_residual_module_has_neighbouring_inner_channels_of_its_block(place, mine):
    block = shaken(ResidualBlock(3, 8, 2))
    own, theirs = block.body.state_dict(), heir(block, 0.375, place).body.state_dict()
    assert torch.equal(theirs["0.weight"], own["0.weight"][mine])
    assert torch.equal(theirs["1.weight"], own["1.weight"][mine])
    assert torch.equal(theirs["1.bias"], own["1.bias"][mine])
    assert torch.equal(theirs["3.weight"], own["3.weight"][:, mine])
    assert torch.equal(theirs["4.weight"], own["4.weight"])
    assert torch.equal(theirs["4.bias"], own["4.bias"])


def test_residual_modules_add_up_to_their_block_before_its_last_norm():
    """Of 4 channels, and of 2, each is a group of its own, so that norms do not depend on who else is there."""
    block, x = shaken(ResidualBlock(3, 4)), torch.rand(2, 3, 5, 5)
    parts = [heir(block, 0.5, place).body[:4](x) for place in range(2)]
    assert torch.allclose(sum(parts), block.body[:4](x), atol=1e-5)


@pytest.mark.parametrize(
    ("block", "form"),
    [(ResidualBlock(3, 8, 2), (3, 6, 6)), (EncoderLayer(32, 4, 8, 64), (5, 32))],
    ids=["residual", "encoder"],
)
def test_a_module_of_all_inner_channels_or_heads_is_its_block(block, form):
    x = torch.rand(2, *form)
    assert torch.allclose(heir(shaken(block), 1.0)(x), block(x), atol=1e-5)


@pytest.mark.parametrize("silent", ["join", "narrow"])
def test_the_mean_of_encoder_modules_that_share_out_their_block_is_the_block(silent):
    """Of its attention alone, and of its MLP alone: each is a sum over heads or neurons."""
    block, x = shaken(EncoderLayer(32, 4, 8, 64)), torch.rand(2, 5, 32)
    for leaf in getattr(block, silent).parameters():
        nn.init.zeros_(leaf)
    found = torch.stack([heir(block, 0.25, place)(x) for place in range(4)]).mean(0)
    assert torch.allclose(found, block(x), rtol=1e-4, atol=1e-4)


def test_a_head_with_more_values_than_those_of_its_block_goes_on_in_the_next_one():
    """0.3 of 4 heads of 8 values are one head of 10: of place 3 the values 24 to 31, and 0 and 1."""
    block = EncoderLayer(32, 4, 8, 64)
    module, mine = heir(block, 0.3, 3), [*range(24, 32), 0, 1]
    assert (module.heads, module.head) == (1, 10)
    assert torch.equal(module.ask.weight, block.ask.weight[[*mine, *(32 + i for i in mine), *(64 + i for i in mine)]])
    assert torch.equal(module.join.weight, 4 * block.join.weight[:, mine])


def test_a_dense_module_answers_as_its_block_where_it_inherits():
    """Linear (8, 8) has a factor of 4 neurons, its half of 2; the weights to other neurons are silent here."""
    block, x = shaken(nn.Sequential(nn.Linear(8, 8), nn.ReLU())), torch.randn(6, 8)
    module = heir(block, 0.5, 3, silent=["2"])
    assert torch.allclose(module(x)[:, 6:], block(x)[:, 6:], atol=1e-6)
    assert (module(x)[:, :6] == 0).all()


def test_a_convolution_answers_as_its_block_where_it_inherits():
    """Of 4 channels, and of 2, each is a group of its own, so that norms do not depend on who else is there."""
    block = shaken(nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1, bias=False), norm(4), nn.ReLU()))
    module, x = heir(block, 0.5, 1, silent=["3"]), torch.rand(2, 3, 5, 5)
    assert torch.allclose(module(x)[:, 2:], block(x)[:, 2:], atol=1e-6)
    assert (module(x)[:, :2] == 0).all()


def test_a_convolution_without_a_norm_keeps_its_bias_and_answers_as_its_block():
    block = shaken(nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1), nn.ReLU()))
    module, x = heir(block, 0.5, 1, silent=["2"]), torch.rand(2, 3, 5, 5)
    assert torch.allclose(module(x)[:, 2:], block(x)[:, 2:], atol=1e-6)


def test_a_norm_over_outputs_is_the_blocks():
    block = shaken(nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8)))
    module = heir(block, 0.5)
    assert torch.equal(module[-1].weight, block[-1].weight)
    assert torch.equal(module[-1].bias, block[-1].bias)


def test_a_factor_has_a_way_to_outputs_that_inherit_nothing():
    module = heir(nn.Sequential(nn.Linear(8, 8), nn.ReLU()), 0.5)
    assert (module[2].weight[2:] != 0).all()


class Own(nn.Module):
    """A block that is known to ``shrunk`` and not to ``inherit``."""

    def __init__(self, inner):
        super().__init__()
        self.body = nn.Linear(4, inner)


class OwnSequence(nn.Sequential):
    """The same, of a class that has a rule."""


shrunk.register(Own, lambda *_: Own(2))
shrunk.register(OwnSequence, lambda *_: OwnSequence(nn.Linear(4, 2), nn.ReLU(), nn.Linear(2, 4)))


@pytest.mark.parametrize("block", [Own(4), OwnSequence(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))])
def test_a_module_of_a_block_without_a_rule_begins_fresh(block):
    module = shrunk(block, 0.5)
    before = tree_digest(module.state_dict())
    inherit(block, module, 0)
    assert tree_digest(module.state_dict()) == before


def test_the_modules_of_a_decomposed_network_inherit_by_their_places():
    """Linear (8, 8) of a network 6, 8, 8, 3 has factors of a neuron each at ratio 1/4."""
    network = mlp((6,), 3, (8, 8))
    layers = decompose(network, (6,), Grain(4, 0.25)).params["layers"]["0"]
    assert [layers[place]["0.weight"].tolist() for place in "012"] == [
        [row] for row in network[2][0].weight.tolist()[:3]
    ]
