"""Networks decomposed into modules."""

from functools import singledispatch

import pytest
import torch
from torch import nn

from mlecs_ray.errors import InputError
from mlecs_ray.models import decompose as decomposing
from mlecs_ray.models.decompose import Grain, decomposable, decompose
from mlecs_ray.models.networks import NETWORKS, mlp
from mlecs_ray.models.shrink import narrowed, shrunk

FORM = (1, 8, 8)


def _equal_gates(model, held, n=3):
    share = held.float() / held.sum(1, keepdim=True)
    return share.expand(n, *model.shape)


@pytest.mark.parametrize(("kind", "layers"), [("mlp", 2), ("vgg", 2), ("resnet", 2), ("transformer", 3)])
def test_every_kind_decomposes_its_blocks_and_answers(kind, layers):
    network = NETWORKS[kind](FORM, 5, (8, 16, 16))
    model = decompose(network, FORM, Grain(4, 0.25))
    assert model.shape == (layers, 4)
    gates = torch.full((3, *model.shape), 0.25)
    assert model.forward(model.params, torch.rand(3, *FORM), gates).shape == (3, 5)


def test_a_single_block_is_decomposed_though_it_reads_the_input():
    assert decompose(mlp((6,), 3, (8,)), (6,), Grain(16)).shape == (1, 16)


def test_only_the_last_blocks_where_so_asked():
    network = NETWORKS["resnet"](FORM, 5, (8, 8, 16, 16))
    assert decompose(network, FORM, Grain(4, 0.25, blocks=2)).shape == (2, 4)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_sub_model_answers_as_the_whole_with_the_missing_modules_masked(kind):
    network = NETWORKS[kind](FORM, 5, (8, 16, 16))
    model = decompose(network, FORM, Grain(4, 0.25))
    params, x = model.params, torch.rand(3, *FORM)
    held = torch.zeros(model.shape, dtype=torch.bool)
    held[:, [1, 3]] = True
    gates = _equal_gates(model, held)
    sub = model.part(params, held)
    assert set(sub["layers"]["0"]) == {"1"}
    assert torch.equal(model.forward(sub, x, gates), model.forward(params, x, gates))


def test_a_sample_passes_the_modules_that_have_its_gates_and_no_others():
    """Samples with gates for one module each give what they give alone, mixed by nothing of their neighbours."""
    network = NETWORKS["resnet"](FORM, 5, (8, 16))
    model = decompose(network, FORM, Grain(3, 0.25))
    gates = torch.eye(3)[:, None].expand(3, *model.shape)
    x = torch.rand(3, *FORM)
    together = model.forward(model.params, x, gates)
    alone = torch.cat([model.forward(model.params, x[i : i + 1], gates[i : i + 1]) for i in range(3)])
    assert torch.allclose(together, alone, atol=1e-6)


def test_gradients_reach_the_gates():
    network = mlp((6,), 3, (8,))
    model = decompose(network, (6,), Grain(3, 0.5))
    gates = torch.full((4, 1, 3), 1 / 3, requires_grad=True)
    model.forward(model.params, torch.rand(4, 6), gates).sum().backward()
    assert (gates.grad != 0).any()


def test_any_sequence_will_do():
    network = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Sequential(nn.Linear(8, 8), nn.GELU()), nn.Linear(8, 2))
    assert decompose(network, (4,), Grain(4, 0.5)).shape == (1, 4)


def test_running_statistics_are_refused():
    network = nn.Sequential(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), nn.Linear(4, 2))
    with pytest.raises(InputError, match="GroupNorm instead of BatchNorm"):
        decompose(network, (4,), Grain())


def test_a_network_without_blocks_is_refused():
    with pytest.raises(
        InputError, match=r"no block before its last layer .* Sequential of one Linear or Conv2d .*shrunk.register"
    ):
        decompose(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)), (4,), Grain())


def test_a_layer_without_a_gate_is_refused():
    model = decompose(mlp((6,), 3, (8,)), (6,), Grain(3))
    with pytest.raises(InputError, match="nothing passes"):
        model.forward(model.params, torch.rand(2, 6), torch.zeros(2, 1, 3))


@pytest.mark.parametrize("fields", [{"modules": 1}, {"ratio": 0.0}, {"ratio": 1.5}, {"blocks": 0}])
def test_a_wrong_grain_is_refused(fields):
    ((name, value),) = fields.items()
    with pytest.raises(InputError, match=f"{name}={value}"):
        Grain(**fields)


def test_a_block_that_flattens_is_refused_by_its_name():
    block = nn.Sequential(nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten())
    network = nn.Sequential(nn.Conv2d(1, 8, 1), block, nn.Linear(288, 3))
    words = r"part 1 of the network takes \(8, 8, 8\) to \(288,\), .* Let a part without weights of its own flatten"
    with pytest.raises(InputError, match=words):
        decompose(network, FORM, Grain(4, 0.5))


def test_a_block_of_tokens_keeps_their_width():
    """The residual module could only change how many they are."""
    network = nn.Sequential(nn.Linear(8, 8), nn.Sequential(nn.Linear(8, 4), nn.ReLU()), nn.Flatten(), nn.Linear(20, 3))
    with pytest.raises(InputError, match=r"part 1 of the network takes \(5, 8\) to \(5, 4\)"):
        decompose(network, (5, 8), Grain(4, 0.5))


def test_a_rule_that_loses_the_shape_of_its_block_is_refused():
    class Lossy(nn.Linear):
        pass

    shrunk.register(Lossy)(lambda block, ratio: Lossy(block.in_features, narrowed(block.out_features, ratio)))
    network = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), Lossy(8, 8), nn.Linear(8, 2))
    with pytest.raises(
        InputError, match=r"part 2 .* takes \(8,\) to \(8,\) and its shrunk module to \(4,\).*rule for Lossy"
    ):
        decompose(network, (4,), Grain(4, 0.5))


@pytest.mark.parametrize(
    ("kind", "one", "three"),
    [
        ("mlp", ["1"], ["2", "3"]),
        ("vgg", ["1"], ["3", "4"]),
        ("resnet", ["1"], ["2", "3"]),
        ("transformer", ["2"], None),
    ],
)
def test_the_blocks_of_each_kind_are_those_that_the_docs_tell(kind, one, three):
    """docs/methods.md: n - 1 of n widths, of a transformer n; of one width the part that reads the input."""
    assert decomposable(NETWORKS[kind](FORM, 5, (8,))) == one
    assert decomposable(NETWORKS[kind](FORM, 5, (8, 16, 16))) == (three or ["2", "3", "4"])


class Plain(nn.Linear):
    """A block of a user's own."""


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda block, _: block.width, "the rule for Plain .* fails, so it cannot be decomposed: AttributeError"),
        (lambda *_: None, "the rule for Plain .* gives NoneType and must give a torch.nn.Module"),
        (lambda *_: nn.Linear(2, 2), "the shrunk module of part 1 fails on what the block takes, \\(8,\\)"),
    ],
)
def test_rules_that_do_not_work_are_refused(monkeypatch, rule, words):
    registered = singledispatch(shrunk.dispatch(object))
    registered.register(Plain, rule)
    monkeypatch.setattr(decomposing, "shrunk", registered)
    monkeypatch.setattr(decomposing, "inherit", lambda *_: None)
    network = nn.Sequential(nn.Linear(4, 8), Plain(8, 8), nn.Linear(8, 2))
    with pytest.raises(InputError, match=words):
        decompose(network, (4,), Grain(4, 0.25))


def test_one_module_in_two_places_is_refused():
    block = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
    with pytest.raises(InputError, match="parts 1 and 2 of the network share weights"):
        decompose(nn.Sequential(nn.Linear(4, 8), block, block, nn.Linear(8, 2)), (4,), Grain(4, 0.25))
