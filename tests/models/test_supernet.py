"""Paths through a supernet."""

import pytest
import torch
from torch import nn

from mlecs_ray.errors import InputError
from mlecs_ray.models.classifier import Network, forward, params_of
from mlecs_ray.models.supernet import PATHS, SPANS, WIDTHS, Supernet

NET = Supernet(Network((1, 8, 8), 5, "resnet", (16, 16, 32, 32)))
KNOWN = params_of(NET.network.fresh(1))
X = torch.rand(3, 1, 8, 8)


class Doubled(nn.Module):
    """A block that nobody has a rule to shrink."""

    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(width, width)

    def forward(self, x):
        return x + self.layer(x)


def _mine(form, classes):
    wide = [nn.Sequential(nn.Linear(8, 8), nn.ReLU()) for _ in range(2)]
    return nn.Sequential(nn.Linear(*form, 8), wide[0], Doubled(8), wide[1], nn.Linear(8, classes))


def _swap(_, classes):
    """A part turns (8, 2) to (2, 8), which nothing without weights undoes, between two blocks."""
    first = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    last = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
    fold = [nn.Unflatten(1, (8, 2)), nn.Linear(2, 2), first, nn.Flatten(), nn.Unflatten(1, (2, 8)), last, nn.Flatten()]
    return nn.Sequential(*fold, nn.Linear(16, classes))


def test_two_or_three_neighbouring_blocks_may_be_replaced_by_one_and_each_by_narrower_ones():
    """Blocks 2, 3 and 4 between the stem and the head: (1 + 5)^3 paths, 6 + 6 with two merged and one with all."""
    merged = {name for name in NET.parts if ">" in name}
    assert merged == {"2>3", "3>4", "2>4"}
    assert SPANS == (2, 3)
    assert {name for name in NET.parts if ":" in name} == {f"{block}:{width:g}" for block in "234" for width in WIDTHS}
    assert len(NET.paths) == len(set(NET.paths)) == 6**3 + 2 * 6 + 1
    assert ("0", "1", "2>3", "4:0.25", "5", "6") in NET.paths


def test_the_first_path_is_the_network_itself():
    assert torch.equal(NET.forward(KNOWN, X, NET.paths[0]), forward(NET.network.fresh(1), KNOWN, X))


@pytest.mark.parametrize("kind", ["resnet", "vgg", "mlp", "transformer"])
def test_every_path_answers(kind):
    net = Supernet(Network((1, 8, 8), 5, kind, (48, 48, 48, 48)))
    known = params_of(net.network.fresh(1))
    params = known | net.branches(known, 1)
    answers = [net.forward(params, X, path) for path in net.paths]
    assert {tuple(answer.shape) for answer in answers} == {(3, 5)}
    known = forward(net.network.module, known, X)
    assert not any(torch.equal(net.forward(params, X, path), known) for path in net.paths[1:])


def test_branches_begin_with_the_weights_of_their_blocks():
    """Merged ones with all of the last block's; narrow ones with the first channels'."""
    branches = NET.branches(KNOWN, 1)
    assert torch.equal(branches["2>4"]["1.body.0.weight"], KNOWN["4"]["body.0.weight"])
    assert torch.equal(branches["4:0.25"]["body.0.weight"], KNOWN["4"]["body.0.weight"][:8])


def test_the_wider_of_two_paths_costs_more():
    sizes = [sum(leaf.numel() for leaf in NET.parts[f"3:{width:g}"].parameters()) for width in WIDTHS]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] < sum(leaf.numel() for leaf in NET.parts["3"].parameters())


def test_a_detour_has_one_branch():
    assert NET.detours["2>3"] == ("0", "1", "2>3", "4", "5", "6")
    assert NET.detours["4:0.5"] == ("0", "1", "2", "3", "4:0.5", "5", "6")
    assert set(NET.detours) == set(NET.parts) - set(NET.paths[0])
    assert set(NET.detours.values()) < set(NET.paths)


def test_of_very_many_paths_some_are_left_out_but_not_those_of_one_width():
    """Twelve blocks of six ways each have more paths than can be listed."""
    net = Supernet(Network((16,), 4, "mlp", (32,) * 13))
    assert 0.9 * PATHS < len(net.paths) <= PATHS
    assert net.paths[0] == tuple(name for name, _ in net.network.module.named_children())
    for width in WIDTHS:
        assert any(sum(name.endswith(f":{width:g}") for name in path) == 12 for path in net.paths)
    assert any(">" in name for path in net.paths for name in path)
    assert len(set(net.paths)) == len(net.paths)


def test_a_block_without_a_rule_to_shrink_stays_and_others_have_branches():
    net = Supernet(Network((6,), 4, "mine", (8,), _mine))
    assert {name.partition(":")[0] for name in net.parts if ":" in name} == {"1", "3"}
    known = params_of(net.network.fresh(0))
    params = known | net.branches(known, 0)
    assert all(net.forward(params, torch.rand(2, 6), path).shape == (2, 4) for path in net.paths)


def test_blocks_between_which_nothing_leads_without_weights_are_not_merged():
    net = Supernet(Network((16,), 4, "swap", (8,), _swap))
    assert not [name for name in net.parts if ">" in name]
    known = params_of(net.network.fresh(0))
    params = known | net.branches(known, 0)
    assert all(net.forward(params, torch.rand(2, 16), path).shape == (2, 4) for path in net.paths)


def test_a_network_without_blocks_is_refused():
    bare = Supernet(Network((6,), 4, "bare", (8,), lambda form, classes: nn.Sequential(nn.Linear(*form, classes))))
    with pytest.raises(InputError, match="no block before its last layer"):
        _ = bare.paths
