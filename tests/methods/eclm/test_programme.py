"""Choices of yes or no, by hand."""

from itertools import combinations

import numpy as np

from mlecs_ray.methods.eclm.programme import Limit, best


def test_the_best_choice_keeps_every_limit():
    """With at most 7 to spend on 4, 4, 3 for 5, 4, 3: 5 + 3; if two of them must be the first two, they cost 8."""
    worth, price = np.array([[5.0, 4.0, 3.0]]), np.array([[[4.0, 4.0, 3.0]]])
    able, first_two = np.ones((1, 3), dtype=bool), np.array([[[1.0, 1.0, 0.0]]])
    assert best(worth, able, [Limit(price, -np.inf, 7.0)]).tolist() == [[True, False, True]]
    limits = [Limit(price, -np.inf, 8.0), Limit(first_two, 2.0, np.inf)]
    assert best(worth, able, limits).tolist() == [[True, True, False]]


def test_what_is_not_able_is_never_chosen():
    worth, all_of_them = np.array([[5.0, 4.0]]), [Limit(np.ones((1, 1, 2)), -np.inf, 2.0)]
    assert best(worth, np.array([[False, True]]), all_of_them).tolist() == [[False, True]]


def test_where_no_choice_keeps_all_limits_there_is_none():
    assert best(np.ones((1, 2)), np.ones((1, 2), dtype=bool), [Limit(np.ones((1, 1, 2)), 3.0, np.inf)]) is None


def test_nothing_is_said_on_standard_output(capfd):
    """Pairs of classes, loads and limits as in ``enhance``, for which HiGHS prints a line where it tries all it can."""
    for classes, modules, seed in ((6, 8, 56), (8, 8, 7), (10, 16, 3)):
        gates = np.random.default_rng(seed).dirichlet(np.full(modules, 0.3), classes)
        load = np.array([(gates[a] + gates[b]) / 2 for a, b in combinations(range(classes), 2)])
        by_module = np.eye(modules)[:, None, :] * load
        by_pair = np.repeat(np.eye(len(load))[:, :, None], modules, axis=2)
        most = np.sort(load, axis=1)[:, -2:].sum() * 2 / modules
        limits = [Limit(by_module, -np.inf, most), Limit(by_pair, -np.inf, 2.0)]
        assert best(load, load > 0, limits, gap=1e-3) is not None
    assert capfd.readouterr() == ("", "")
