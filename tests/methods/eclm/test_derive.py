"""The knapsack, against brute force and by hand."""

from itertools import product

import numpy as np
import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.methods.eclm.derive import derive, enough


def _brute(importance, costs, budget):
    """Of all sets of modules: the best with the best module of each layer, else the best with one of each or more."""
    size = importance.size
    flat, prices = importance.ravel(), costs.reshape(len(costs), -1)
    layer = np.repeat(np.arange(len(importance)), importance.shape[1])
    first = [int(np.flatnonzero(layer == one)[importance[one].argmax()]) for one in range(len(importance))]
    sets = np.array(list(product((False, True), repeat=size)))
    fits = (sets @ prices.T <= budget + 1e-9).all(1)
    with_first = fits & sets[:, first].all(1)
    covering = fits & np.array([(sets & (layer == number)).any(1) for number in range(len(importance))]).all(0)
    for allowed in (with_first, covering):
        if allowed.any():
            return max(flat[one].sum() for one in sets[allowed])
    return None


def test_it_finds_what_brute_force_finds_on_200_random_cases():
    rng = np.random.default_rng(0)
    solved = refused = 0
    for _ in range(200):
        layers, modules = int(rng.integers(1, 4)), int(rng.integers(2, 5))
        importance = rng.random((layers, modules))
        costs = rng.integers(0, 10, (3, layers, modules)).astype(float)
        budget = costs.sum((1, 2)) * rng.uniform(0.1, 0.9, 3)
        best = _brute(importance, costs, budget)
        if best is None:
            refused += 1
            with pytest.raises(InputError, match=r"raise method\.options\.share"):
                derive(importance, costs, budget)
            continue
        held = derive(importance, costs, budget)
        assert (costs[:, held].sum(1) <= budget + 1e-9).all()
        assert held.any(1).all()
        assert importance[held].sum() == pytest.approx(best)
        solved += 1
    assert solved > 100
    assert refused > 5


def test_it_finds_what_brute_force_finds_where_modules_of_a_layer_cost_alike():
    """As the modules of a decomposed network do, but for the residual one, which is free."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        importance, costs = rng.random((2, 5)), np.repeat(rng.integers(1, 10, (3, 2, 1)), 5, axis=2).astype(float)
        costs[:, :, -1] = 0.0
        budget = costs.sum((1, 2)) * rng.uniform(0.2, 0.9, 3)
        held = derive(importance, costs, budget)
        assert (costs[:, held].sum(1) <= budget + 1e-9).all()
        assert importance[held].sum() == pytest.approx(_brute(importance, costs, budget))


def test_the_best_module_of_each_layer_comes_first_though_others_were_worth_more():
    """5 + 4 with 10 to spend: the first layer's best costs 8, so the two others of it (4 + 4 for 7) stay out."""
    importance = np.array([[5.0, 4.0, 4.0], [4.0, 1.0, 0.0]])
    costs = np.array([[[8.0, 3.0, 4.0], [2.0, 1.0, 1.0]]])
    assert derive(importance, costs, np.array([10.0])).tolist() == [[True, False, False], [True, False, False]]


def test_where_the_best_ones_do_not_fit_together_the_best_cover_is_taken():
    """The best two cost 13 of 8.5. Left are 8 (needs a second layer: 9), and 3 + 5 = 8 or 3 + 1 = 4: 4 + 4 is best."""
    importance = np.array([[5.0, 4.0], [4.0, 1.0]])
    costs = np.array([[[8.0, 3.0], [5.0, 1.0]]])
    assert derive(importance, costs, np.array([8.5])).tolist() == [[False, True], [True, False]]


def test_modules_without_cost_are_always_taken():
    importance, costs = np.array([[0.9, 0.1]]), np.array([[[5.0, 0.0]]])
    assert derive(importance, costs, np.array([5.0])).tolist() == [[True, True]]
    assert derive(importance, costs, np.array([1.0])).tolist() == [[False, True]]


def test_it_stays_within_what_is_allowed():
    importance, costs = np.array([[0.9, 0.5, 0.1]]), np.ones((2, 1, 3))
    allowed = np.array([[False, True, True]])
    assert derive(importance, costs, np.array([9.0, 9.0]), allowed).tolist() == [[False, True, True]]
    assert derive(importance, costs, np.array([1.0, 9.0]), allowed).tolist() == [[False, True, False]]


@pytest.mark.parametrize(("share", "most"), [(0.1, 1), (0.5, 1), (0.6, 2), (0.75, 2), (0.8, 3), (1.0, 4)])
def test_enough_are_the_most_important_modules_up_to_a_share_of_their_layer(share, most):
    """Sixteenths 8, 4, 3, 1: one has 1/2 of it all, two 3/4, three 15/16; in the second layer they stand backwards."""
    importance = np.array([[8.0, 4.0, 3.0, 1.0], [1.0, 3.0, 4.0, 8.0]]) / 16
    found = enough(importance, share)
    assert found[0].tolist() == [place < most for place in range(4)]
    assert found[1].tolist() == found[0].tolist()[::-1]


def test_of_equally_important_modules_the_first_is_enough():
    assert enough(np.array([[0.25, 0.5, 0.25]]), 0.6).tolist() == [[True, True, False]]


def test_a_share_is_that_of_the_layers_own_importance_and_what_has_none_is_never_needed():
    """Layers of 2 and of 20 altogether: the half of either is its first module; nothing needs one of 0."""
    importance = np.array([[1.5, 0.5, 0.0], [12.0, 8.0, 0.0]])
    assert enough(importance, 0.5).tolist() == [[True, False, False]] * 2
    assert enough(importance, 1.0).tolist() == [[True, True, False]] * 2
