"""Means over seeds, paired tests and their correction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import ttest_rel

Pair = tuple[int, str]
"""A seed and a subject: a client, or the cloud."""
Values = Mapping[Pair, float]
ALIKE = 1e-12


@dataclass(frozen=True)
class Spread:
    """Over seeds; ``sd`` is the sample's, None for one seed."""

    mean: float
    sd: float | None
    seeds: int


@dataclass(frozen=True)
class Paired:
    """One side less the other, over the ``n`` pairs that both have; ``p`` is None for fewer than two."""

    n: int
    difference: float
    relative: float | None
    """Of the other's mean: 0.05 is 5 % more; None where that is 0."""
    p: float | None
    seeds: int
    p_seeds: float | None
    """Of the same test over the means of the ``seeds``, which are independent where subjects of one seed are not."""


def spread(values: Values) -> Spread | None:
    """The mean over subjects, then over seeds; None where nothing was measured."""
    means = list(by_seed(values).values())
    if not means:
        return None
    return Spread(float(np.mean(means)), float(np.std(means, ddof=1)) if len(means) > 1 else None, len(means))


def by_seed(values: Values) -> dict[int, float]:
    """The mean over the subjects of each seed."""
    seeds = sorted({seed for seed, _ in values})
    return {seed: float(np.mean([value for (one, _), value in values.items() if one == seed])) for seed in seeds}


def relative(ours: Values, theirs: Values) -> float | None:
    """How much more ours is than theirs, as a share of theirs, over the seeds that both have; None where there are none
    or theirs is 0."""
    both = by_seed(ours).keys() & by_seed(theirs).keys()
    mine, other = (spread({pair: value for pair, value in one.items() if pair[0] in both}) for one in (ours, theirs))
    if mine is None or other is None or other.mean == 0:
        return None
    return mine.mean / other.mean - 1


def paired(ours: Values, theirs: Values) -> Paired | None:
    """Two-sided paired t test over the seeds and subjects that both have; None where there are none."""
    both = sorted(ours.keys() & theirs.keys())
    if not both:
        return None
    one, two = {pair: ours[pair] for pair in both}, {pair: theirs[pair] for pair in both}
    difference = float(np.mean([one[pair] - two[pair] for pair in both]))
    means = [list(by_seed(side).values()) for side in (one, two)]
    p, p_seeds = _p([*one.values()], [*two.values()]), _p(*means)
    return Paired(len(both), difference, relative(one, two), p, len(means[0]), p_seeds)


def _p(one: Sequence[float], two: Sequence[float]) -> float | None:
    differences = np.subtract(one, two)
    if len(differences) < 2:
        return None
    # The test divides by their deviation, of which rounding is none.
    if np.ptp(differences) < ALIKE:
        return 1.0 if abs(differences[0]) < ALIKE else 0.0
    return float(ttest_rel(one, two).pvalue)


def best(candidates: Mapping[str, Values], ours: Values) -> str | None:
    """Who has the highest mean over the pairs that it shares with ours; None where nobody shares any."""
    found: dict[str, float] = {}
    for name, values in candidates.items():
        mean = spread({pair: value for pair, value in values.items() if pair in ours})
        if mean is not None:
            found[name] = mean.mean
    return max(found, key=lambda name: found[name]) if found else None


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction of a family of tests (Scandinavian Journal of Statistics 6, 1979), in their order.

    ``max over j <= i of (m - j + 1) p_(j)``, at most 1; what was not tested is no member.
    """
    tested = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    corrected: list[float | None] = [None] * len(ps)
    least = 0.0
    for rank, (p, place) in enumerate(tested):
        least = max(least, min(1.0, (len(tested) - rank) * p))
        corrected[place] = least
    return corrected
