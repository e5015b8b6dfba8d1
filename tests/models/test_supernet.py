"""Paths through a supernet."""

import torch

from mlecs_ray.models.classifier import Network, forward
from mlecs_ray.models.supernet import Supernet

NET = Supernet(Network((1, 8, 8), 5, "resnet", (8, 8, 16, 16)))


def test_two_or_three_neighbouring_blocks_may_be_replaced_by_one():
    """Blocks 2, 3 and 4 between the stem and the head."""
    assert NET.paths == (
        ("0", "1", "2", "3", "4", "5", "6"),
        ("0", "1", "2", "3>4", "5", "6"),
        ("0", "1", "2>3", "4", "5", "6"),
        ("0", "1", "2>4", "5", "6"),
    )


def test_the_first_path_is_the_network_itself():
    network = NET.network.fresh(1)
    params = {name: dict(part.named_parameters()) for name, part in network.named_children()}
    x = torch.rand(3, 1, 8, 8)
    assert torch.equal(NET.forward(params, x, NET.paths[0]), forward(network, params, x))


def test_every_path_answers():
    network = NET.network.fresh(1)
    params = {name: dict(part.named_parameters()) for name, part in network.named_children()}
    params |= NET.branches(1)
    answers = [NET.forward(params, torch.ones(3, 1, 8, 8), path) for path in NET.paths]
    assert {tuple(answer.shape) for answer in answers} == {(3, 5)}
    assert len({answer.sum().item() for answer in answers}) == 4
