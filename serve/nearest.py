"""Exact search: the library scans and is asked for a little more than is wanted, then the order is made here."""

from typing import cast

import numpy as np
from lancedb.query import LanceVectorQueryBuilder
from lancedb.table import Table

from serve.entries import Embedding
from serve.filters import expression
from serve.rows import LIGHT, Row, rows
from serve.where import Where

# The library's float32 scores are off by less than this, so what lies so close to the last hit may be before it.
MARGIN = 1e-5
SPARE = 16


def candidates(table: Table, query: Embedding, top_k: int, where: Where) -> list[Row]:
    """All rows that may be among the first ``top_k``, and more."""
    limit = top_k + SPARE
    found = _scan(table, query, where).limit(limit).to_arrow()
    distances = np.sort(found["_distance"].to_numpy())
    if len(distances) < limit or distances[-1] > distances[top_k - 1] + MARGIN:
        return rows(found)
    edge = float(distances[top_k - 1]) + MARGIN
    return rows(_scan(table, query, where).distance_range(upper_bound=edge).limit(table.count_rows()).to_arrow())


def ranked(found: list[Row], query: Embedding) -> list[tuple[float, Row]]:
    """Rows with their cosine in [-1, 1] to nine digits, best first, ties by id.

    The library's own scores are good to six digits and differ with the processor; these do not.
    """
    if not found:
        return []
    stored = np.array([row["vector"] for row in found], np.float64)
    asked = query.unit.astype(np.float64)
    # Float32 vectors have a length of 1 to seven digits only.
    lengths = np.sqrt((stored**2).sum(axis=1) * (asked**2).sum())
    cosines = np.clip((stored * asked).sum(axis=1) / lengths, -1, 1).round(9)
    # Plus zero: no score is -0.0.
    return sorted(zip((cosines + 0.0).tolist(), found, strict=True), key=lambda pair: (-pair[0], pair[1]["id"]))


def _scan(table: Table, query: Embedding, where: Where) -> LanceVectorQueryBuilder:
    scan = cast(LanceVectorQueryBuilder, table.search(query.unit)).distance_type("dot").select([*LIGHT, "_distance"])
    kept = expression(where)
    # Filtered first: filtered afterwards, fewer than top_k would be left.
    return scan if kept is None else scan.where(kept, prefilter=True)
