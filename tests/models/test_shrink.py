"""Shrunk blocks keep the shapes of what they replace."""

import pytest
import torch
from torch import nn

from mlecs_ray.errors import InputError
from mlecs_ray.models.networks import EncoderLayer, ResidualBlock
from mlecs_ray.models.shrink import Bypass, narrowed, shrunk


def _numbers(module):
    return sum(leaf.numel() for leaf in module.parameters())


BLOCKS = {
    "dense": (nn.Sequential(nn.Linear(64, 64), nn.ReLU()), (64,)),
    "conv": (nn.Sequential(nn.Conv2d(16, 32, 3, 1, 1, bias=False), nn.GroupNorm(4, 32), nn.ReLU()), (16, 6, 6)),
    "residual": (ResidualBlock(16, 32, 2), (16, 6, 6)),
    "encoder": (EncoderLayer(32, 4, 8, 64), (5, 32)),
}


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("ratio", [0.5, 0.125])
def test_same_shapes_with_about_that_share_of_the_numbers(name, ratio):
    block, form = BLOCKS[name]
    small, x = shrunk(block, ratio), torch.rand(2, *form)
    assert small(x).shape == block(x).shape
    assert _numbers(small) < 1.5 * ratio * _numbers(block) + 200


@pytest.mark.parametrize("name", BLOCKS)
def test_the_bypass_has_no_numbers_and_the_same_shapes(name):
    block, form = BLOCKS[name]
    x = torch.rand(2, *form)
    there = Bypass(block(x).shape[1:])
    assert there(x).shape == block(x).shape
    assert _numbers(there) == 0


def test_where_shapes_stay_the_bypass_is_the_identity():
    x = torch.rand(2, 5, 32)
    assert torch.equal(Bypass((5, 32))(x), x)


def test_a_width_never_vanishes():
    assert [narrowed(4, 0.125), narrowed(16, 0.125), narrowed(10, 0.25)] == [1, 2, 2]


def test_a_block_of_ones_own_takes_part_once_its_rule_is_registered():
    class Mine(nn.Module):
        def __init__(self, hidden):
            super().__init__()
            self.hidden = hidden
            self.body = nn.Sequential(nn.Linear(4, hidden), nn.Tanh(), nn.Linear(hidden, 4))

        def forward(self, x):
            return self.body(x)

    with pytest.raises(InputError, match="Mine has no rule"):
        shrunk(Mine(8), 0.5)
    shrunk.register(Mine)(lambda block, ratio: Mine(narrowed(block.hidden, ratio)))
    assert shrunk(Mine(8), 0.5).hidden == 4


def test_a_convolution_keeps_its_edges_and_has_a_norm_where_its_block_has_one():
    circular = nn.Sequential(nn.Conv2d(4, 8, 3, 1, 1, padding_mode="circular"), nn.ReLU())
    narrow, *rest = shrunk(circular, 0.5)
    assert narrow.padding_mode == "circular"
    assert narrow.bias is not None
    assert not any(isinstance(part, nn.GroupNorm) for part in rest)
    assert isinstance(shrunk(nn.Sequential(nn.Conv2d(4, 8, 3), nn.GroupNorm(2, 8)), 0.5)[1], nn.GroupNorm)


@pytest.mark.parametrize("own", [{"eps": 1e-2, "elementwise_affine": False}, {"bias": False}, {}])
def test_a_layer_norm_is_made_anew_as_it_was(own):
    made = shrunk(nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4, **own)), 0.5)[-1]
    assert repr(made) == repr(nn.LayerNorm(4, **own))
    assert [name for name, _ in made.named_parameters()] == [n for n, _ in nn.LayerNorm(4, **own).named_parameters()]


@pytest.mark.parametrize(
    "block",
    [
        nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)),
        nn.Sequential(nn.ReLU()),
        nn.Sequential(nn.Conv2d(4, 4, 3, groups=2)),
        nn.Sequential(nn.Linear(4, 4), nn.PReLU()),
    ],
)
def test_a_sequence_that_is_no_single_layer_is_refused(block):
    with pytest.raises(InputError):
        shrunk(block, 0.5)
