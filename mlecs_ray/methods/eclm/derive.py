"""Which modules a device gets: a knapsack of several dimensions (arXiv 2311.11083, section on sub-model derivation).

``max sum_i Imp_i x_i`` subject to ``sum_i cost_ri x_i <= budget_r`` for memory, compute and bandwidth: first the best
module of each layer, then the rest.
"""

from itertools import pairwise

import numpy as np

from mlecs_ray.errors import InputError
from mlecs_ray.methods.eclm.programme import Held, Limit, best, each_row
from mlecs_ray.models.modular import Numbers

_SLACK = 1e-9
"""Of a budget: what rounding may add to a sum that just fits."""


def derive(importance: Numbers, costs: Numbers, budget: Numbers, allowed: Held | None = None) -> Held:
    """The modules (L, N) to hold: of each layer the most important one, and of the others those that fit best.

    ``importance`` is (L, N), ``costs`` (R, L, N), ``budget`` (R,); ``allowed`` (L, N) leaves others out. Where the most
    important ones do not fit together, the best choice with one of each layer or more. Raises InputError where
    even the cheapest one of each layer does not fit.
    """
    able = np.ones(importance.shape, dtype=bool) if allowed is None else allowed
    scores = np.where(able, importance, -np.inf)
    first = np.zeros(importance.shape, dtype=bool)
    first[np.arange(len(scores)), scores.argmax(1)] = True
    left = budget - costs[:, first].sum(1)
    if (left < -_SLACK * np.abs(budget)).any():
        return _solved(importance, costs, budget, able, np.ones(len(scores)))
    return first | _solved(importance, costs, np.maximum(left, 0.0), able & ~first, np.zeros(len(scores)))


def enough(importance: Numbers, share: float) -> Held:
    """(L, N): of each layer the most important modules that together have ``share`` of its importance; the others
    would cost a device more than they tell it [ours]."""
    order = np.argsort(-importance, axis=1, kind="stable")
    ranked = np.take_along_axis(importance, order, axis=1)
    before = np.cumsum(ranked, axis=1) - ranked
    needed = before < share * importance.sum(1, keepdims=True)
    found = np.zeros(importance.shape, dtype=bool)
    np.put_along_axis(found, order, needed, axis=1)
    return found


def _solved(importance: Numbers, costs: Numbers, budget: Numbers, able: Held, least: Numbers) -> Held:
    """The best modules within ``budget``, at least so many of each layer (L,)."""
    free = (costs == 0).all(0) & able & (importance >= 0)
    chosen = able & (free | ((costs.sum((1, 2)) - costs[:, ~able].sum(1)) <= budget).all())
    # Nothing to decide where all of them fit; most devices' budgets are tighter.
    return chosen if chosen.sum() == able.sum() else _integers(importance, costs, budget, able, least)


def _integers(importance: Numbers, costs: Numbers, budget: Numbers, able: Held, least: Numbers) -> Held:
    scale = np.where(budget > 0, budget, 1.0)
    limits = [
        Limit(costs / scale[:, None, None], -np.inf, budget / scale * (1 + _SLACK)),
        Limit(each_row(importance.shape), least, np.inf),
        Limit(_worse(importance, costs, able), -np.inf, 0.0),
    ]
    chosen = best(importance, able, limits)
    if chosen is None:
        raise InputError(
            f"budget {budget.tolist()} (memory bytes, FLOPs of a sample, bytes on the wire) holds no module of each of "
            f"{len(importance)} layers, so the device has no way from input to answer: raise method.options.share"
        )
    return chosen


def _worse(importance: Numbers, costs: Numbers, able: Held) -> Numbers:
    """(P, L, N): rows of ``x_b - x_a`` for neighbours a, b in the order of importance where a costs no more than b.

    That a comes before b changes no optimum, and without it many sets of modules that cost alike are compared for
    minutes.
    """
    rows = []
    for layer, scores in enumerate(importance):
        order = [module for module in np.argsort(-scores, kind="stable") if able[layer, module]]
        for a, b in pairwise(order):
            if (costs[:, layer, a] <= costs[:, layer, b]).all():
                row = np.zeros(importance.shape)
                row[layer, [a, b]] = -1.0, 1.0
                rows.append(row)
    return np.array(rows).reshape(-1, *importance.shape)
