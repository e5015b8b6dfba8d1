"""Modular models: sub-models, importance and costs."""

import numpy as np
import pytest
import torch

from mlecs_ray.models.classifier import Network, params_of
from mlecs_ray.models.decompose import Grain
from mlecs_ray.models.modular import Modular, whole
from mlecs_ray.tree import tree_bytes, tree_digest

NETWORK = Network((1, 8, 8), 5, "resnet", (8, 16, 16))
MODEL = Modular(NETWORK, Grain(4, 0.25), top=2)


def _held(*modules):
    held = torch.zeros(MODEL.body.shape, dtype=torch.bool)
    held[:, list(modules)] = True
    return held


def test_a_sub_model_answers_as_the_whole_restricted_to_its_modules():
    params, x = MODEL.init(0), torch.rand(9, 1, 8, 8)
    sub = MODEL.part(params, _held(0, 2))
    inside = MODEL.logits(params, params["selector"], x, _held(0, 2))
    assert torch.equal(MODEL.logits(sub, params["selector"], x, _held(0, 2)), inside)
    assert not torch.equal(MODEL.logits(params, params["selector"], x), inside)


def test_importance_is_a_distribution_over_each_layer():
    params = MODEL.init(0)
    importance = MODEL.importance(params["selector"], torch.rand(9, 1, 8, 8))
    assert importance.shape == MODEL.body.shape
    assert importance.sum(1).tolist() == pytest.approx([1, 1])


def test_bytes_on_the_wire_are_those_of_the_trees():
    params, costs = MODEL.init(0), MODEL.costs(16)
    assert costs.base[2] == tree_bytes(params["base"])
    assert costs.modules[2, 0, 1] == tree_bytes(params["layers"]["0"]["1"])
    assert (costs.modules[:, :, -1] == 0).all()


def test_base_and_one_module_of_each_layer_are_a_small_part_of_the_whole():
    costs = MODEL.costs(16)
    assert np.allclose(costs.whole, whole(NETWORK, 16))
    small = costs.base + costs.modules[:, :, 0].sum(1)
    assert (small < costs.whole).all()
    assert small[2] < 0.4 * costs.whole[2]


def test_what_reads_the_networks_input_is_charged_for_no_gradient_to_it():
    """Forward and weights, two FLOPs a multiply-add: a stem of 8 kernels 3 x 3 over 8 x 8; behind it the input too."""
    costs = MODEL.costs(16)
    selector = 2.0 * MODEL.selector.multiplications
    assert costs.base[1] == 2 * 2 * (9 * 8 * 64) + 3 * 2 * (16 * 5) + selector
    # Linear (6, 16) is the only block: a module is Linear (6, 1) and Linear (1, 16).
    first = Modular(Network((6,), 4, "mlp", (16,)), Grain(4, 0.25), top=2)
    assert (first.costs(16).modules[1, 0, :-1] == 2 * 2 * 6 + 3 * 2 * 16).all()


def test_the_same_seed_gives_the_same_model_whatever_chance_did_before():
    torch.manual_seed(5)
    first = tree_digest(MODEL.init(3))
    torch.manual_seed(6)
    assert tree_digest(MODEL.init(3)) == first
    assert tree_digest(MODEL.init(4)) != first


def test_what_is_known_of_the_network_stays_in_the_base_and_modules_begin_with_their_part_of_it():
    """A block of 16 channels has modules of 4: the second begins with those from 4 on."""
    known = params_of(NETWORK.fresh(7))
    made = MODEL.init(3, known)
    assert tree_digest(made["base"]) == tree_digest({part: known[part] for part in made["base"]})
    (block,) = (known[part] for part in known if part not in made["base"] and len(known[part]["body.0.weight"][0]) == 8)
    assert torch.equal(made["layers"]["0"]["1"]["body.0.weight"], block["body.0.weight"][4:8])
    assert tree_digest(made["selector"]) == tree_digest(MODEL.init(3)["selector"])
