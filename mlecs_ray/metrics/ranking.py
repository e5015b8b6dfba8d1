"""Who is found where: cumulative matching, mean average precision and the hardest positive, as in re-identification."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlecs_ray.errors import InputError

Floats = NDArray[np.float64]
RANKS = (1, 5, 10)


@dataclass(frozen=True, eq=False)
class Marks:
    """Of n samples who they are, and which camera saw them."""

    identities: NDArray[np.int64]
    places: NDArray[np.str_]
    """Of a camera that stands beside another the other's; "" for what no camera saw, which is never left out."""


@dataclass(frozen=True)
class Rules:
    """In what data sets' protocols differ."""

    apart: bool = False
    """Leave out all that stood where the query's camera stands, and not the query's identity alone."""
    once: bool = False
    """Count each identity of the gallery once in matching, by its best picture."""


@dataclass(frozen=True)
class Ranking:
    """Means over the queries that have somebody to be found; all in 0..1."""

    cmc: dict[int, float]
    """For each of ``RANKS`` the share of queries with a right one among the first so many."""
    map: float
    minp: float
    queries: int


def rank(scores: Floats, asked: Marks, searched: Marks, rules: Rules | None = None) -> Ranking:
    """How well ``scores`` (queries, gallery), of which more is better, put the right ones first.

    Of the gallery is left out what the query's own camera saw of the query's identity; ``rules`` may say other. AP is
    the mean over the right ones of the precision where each stands, mINP the mean of (right ones / place of the last
    right one) (Ye et al., arXiv 2001.04193). A tie counts against: among equal scores the right ones come last, so that
    who answers the same for everybody finds nobody. Queries without a right one are left out. Raises InputError where
    none has one.
    """
    found = [
        one
        for i in range(len(scores))
        if (one := _query(scores[i], asked.identities[i], asked.places[i], searched, rules or Rules())) is not None
    ]
    if not found:
        raise InputError(
            f"none of {len(scores)} queries has a right one among {len(searched.identities)} in the gallery, so there "
            "is nothing to find: queries and gallery must share identities, seen by different cameras"
        )
    firsts, precisions, penalties = (np.array(column) for column in zip(*found, strict=True))
    cmc = {k: float((firsts < k).mean()) for k in RANKS}
    return Ranking(cmc, float(precisions.mean()), float(penalties.mean()), len(found))


def _query(scores: Floats, identity: int, place: str, searched: Marks, rules: Rules) -> tuple[int, float, float] | None:
    """Where the first right one stands, counted from 0, average precision and inverse negative penalty."""
    right = searched.identities == identity
    near = (searched.places == place) & (right | rules.apart) if place else np.zeros(len(right), bool)
    right, scores = right[~near], scores[~near]
    if not right.any():
        return None
    order = np.lexsort((right, -scores))
    places = right[order].nonzero()[0]
    first = int(places[0])
    if rules.once:
        first = len(np.unique(searched.identities[~near][order[:first]]))
    precisions = np.arange(1, len(places) + 1) / (places + 1)
    return first, float(precisions.mean()), len(places) / (int(places[-1]) + 1)


def cosines(asked: NDArray[np.floating[Any]], searched: NDArray[np.floating[Any]]) -> Floats:
    """(queries, gallery); 0 for a vector of zeros. Rounded, so that what differs by the order of a sum is a tie."""
    similar: Floats = (_unit(asked) @ _unit(searched).T).round(9)
    return similar


def _unit(rows: NDArray[np.floating[Any]]) -> Floats:
    wide = rows.astype(np.float64)
    lengths: Floats = np.linalg.norm(wide, axis=1, keepdims=True)
    return wide / np.maximum(lengths, 1e-12)
