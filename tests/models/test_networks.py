"""Networks of blocks: shapes, norms, and what is refused."""

import pytest
import torch
from torch import nn

from mlecs_ray.errors import InputError
from mlecs_ray.models.networks import NETWORKS, ResidualBlock, bridged, picture, reshaped, resnet


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("form", [(3, 16, 16), (64,)])
def test_each_kind_reads_pictures_and_square_vectors(kind, form):
    network = NETWORKS[kind](form, 7, (8, 16))
    assert network(torch.rand(2, *form)).shape == (2, 7)
    assert not any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in network.modules())


def test_large_pictures_are_halved_by_the_first_convolution():
    assert resnet((1, 28, 28), 2, (4, 4))[1](torch.rand(1, 1, 28, 28)).shape == (1, 4, 14, 14)
    assert resnet((1, 16, 16), 2, (4, 4))[1](torch.rand(1, 1, 16, 16)).shape == (1, 4, 16, 16)


def test_a_shortcut_averages_places_and_fills_channels_with_zeros():
    """2 x 2 places of 1, 2, 3, 4 are one of 2.5; the second channel is new."""
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    assert reshaped(x, (2, 1, 1)).flatten().tolist() == [2.5, 0.0]
    assert reshaped(torch.tensor([[1.0, 2.0, 3.0]]), (2,)).tolist() == [[1.0, 2.0]]


def test_a_residual_block_whose_body_is_silent_is_its_shortcut():
    block = ResidualBlock(2, 4, 2)
    nn.init.zeros_(block.body[4].weight)
    nn.init.zeros_(block.body[4].bias)
    x = torch.rand(1, 2, 4, 4)
    assert torch.equal(block(x), reshaped(x, (4, 2, 2)))


@pytest.mark.parametrize("form", [(3,), (2, 3)])
def test_what_is_no_picture_is_refused(form):
    with pytest.raises(InputError, match=r"task\.network=mlp"):
        picture(form)


@pytest.mark.parametrize(("taken", "given"), [((4, 2, 2), (16,)), ((16,), (4, 2, 2)), ((5, 8), (5, 4))])
def test_what_would_need_weights_is_not_reshaped(taken, given):
    assert not bridged(taken, given)
    with pytest.raises(InputError, match=r"cannot be made .* without weights"):
        reshaped(torch.rand(2, *taken), given)


@pytest.mark.parametrize(("taken", "given"), [((4, 4, 4), (8, 3, 2)), ((16,), (4,)), ((5, 8), (7, 8))])
def test_what_can_be_is_bridged(taken, given):
    assert bridged(taken, given)
    assert reshaped(torch.rand(2, *taken), given).shape == (2, *given)
