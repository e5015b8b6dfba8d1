"""Aggregation module by module, by hand."""

from dataclasses import replace

import pytest
import torch

from mlecs_ray.method import Arrival, Update
from mlecs_ray.methods.eclm.aggregate import aggregate
from mlecs_ray.tree import tree_digest
from tests.methods.toy import client


def _leaf(value):
    return {"w": torch.tensor([float(value)])}


def _state(use=1.0):
    layers = {"0": {"0": _leaf(10), "1": _leaf(20)}, "1": {"0": _leaf(30), "1": _leaf(40)}}
    return {"base": {"stem": _leaf(1)}, "layers": layers, "use": torch.full((2, 3), use), "prior": torch.ones(2, 3)}


def _arrival(base, layers, importance, weight=1.0, staleness=0):
    told = {"importance": torch.tensor(importance)}
    trees = {layer: {module: _leaf(value) for module, value in held.items()} for layer, held in layers.items()}
    return Arrival(
        replace(client(), told=told), Update({"base": {"stem": _leaf(base)}, "layers": trees}, weight), staleness
    )


def test_each_module_is_the_mean_of_its_holders_by_importance_and_unheld_ones_stay():
    """Module 0/0: (0.75 x 4 + 0.25 x 8) / 1 = 5; 0/1: held by the second alone, 6; 1/1: nobody, so 40; the base goes
    by samples: (3 x 2 + 1 x 6) / 4 = 3."""
    first = _arrival(2, {"0": {"0": 4}, "1": {"0": 7}}, [[0.75, 0.1, 0.15], [1.0, 0.0, 0.0]], weight=3.0)
    second = _arrival(6, {"0": {"0": 8, "1": 6}}, [[0.25, 0.25, 0.5], [0.2, 0.4, 0.4]])
    merged = aggregate(_state(), [first, second], jobs=2, rate=1.0, power=0.5)
    assert merged["layers"]["0"]["0"]["w"].item() == 5
    assert merged["layers"]["0"]["1"]["w"].item() == 6
    assert merged["layers"]["1"]["0"]["w"].item() == 7
    assert merged["layers"]["1"]["1"]["w"].item() == 40
    assert merged["base"]["stem"]["w"].item() == 3


def test_lateness_counts_in_the_mean_and_in_how_far_it_moves():
    """s = 1 and 1/2 (three merges late): mean (4 + 0.5 x 10) / 1.5 = 6, and 3/4 of the way to it: 10/4 + 18/4 = 7."""
    fresh = _arrival(1, {"0": {"0": 4}}, [[0.5, 0, 0], [0, 0, 0]])
    late = _arrival(1, {"0": {"0": 10}}, [[0.5, 0, 0], [0, 0, 0]], staleness=3)
    merged = aggregate(_state(), [fresh, late], jobs=2, rate=1.0, power=0.5)
    assert merged["layers"]["0"]["0"]["w"].item() == pytest.approx(7)


def test_one_of_four_jobs_moves_the_base_a_quarter_and_a_rare_module_all_the_way():
    """A module that one device in four holds is met once while four jobs arrive, so it goes as far as in a round."""
    one = _arrival(5, {"0": {"0": 14}}, [[0.5, 0, 0], [0, 0, 0]])
    merged = aggregate(_state(use=0.0), [one], jobs=4, rate=1.0, power=0.5)
    assert merged["base"]["stem"]["w"].item() == 2
    assert merged["use"][0].tolist() == [0.25, 0, 0]
    assert merged["layers"]["0"]["0"]["w"].item() == 14


def test_a_common_module_moves_as_the_base_does():
    one = _arrival(5, {"0": {"0": 14}}, [[0.5, 0, 0], [0, 0, 0]])
    merged = aggregate(_state(use=1.0), [one], jobs=4, rate=1.0, power=0.5)
    assert merged["layers"]["0"]["0"]["w"].item() == 11


def test_half_the_rate_goes_half_the_way():
    one = _arrival(3, {"0": {"0": 14}}, [[0.5, 0, 0], [0, 0, 0]])
    merged = aggregate(_state(), [one], jobs=1, rate=0.5, power=0.5)
    assert merged["layers"]["0"]["0"]["w"].item() == 12


def test_nothing_is_changed_in_place():
    state = _state()
    before = tree_digest(state)
    aggregate(state, [_arrival(5, {"0": {"0": 14}}, [[0.5, 0, 0], [0, 0, 0]])], jobs=1, rate=1.0, power=0.5)
    assert tree_digest(state) == before


def test_an_importance_that_has_vanished_still_leaves_a_mean():
    one = _arrival(1, {"0": {"0": 14}}, [[0.0, 0, 0], [0, 0, 0]])
    assert aggregate(_state(), [one], jobs=1, rate=1.0, power=0.5)["layers"]["0"]["0"]["w"].item() == 14
