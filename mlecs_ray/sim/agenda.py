"""What comes next for each of many rows, in columns: a million planned moments are no million objects."""

import heapq
import math

import numpy as np
from numpy.typing import NDArray

NEAR = 1 << 14
"""How many of the next entries are looked out at once."""

Entry = tuple[float, int, int]
"""Moment, ticket, row."""


class Agenda:
    """At most one moment for every row; entries come in the order of moments, ties in that of tickets.

    The columns hold all of them. Those up to ``_horizon`` also lie in a heap of their own, which is filled again from
    the columns when it is empty.
    """

    def __init__(self, rows: int) -> None:
        self._moments, self._tickets = np.full(rows, math.inf), np.zeros(rows, dtype=np.int64)
        self._near: list[Entry] = []
        self._far = 0
        """Rows beyond the horizon."""
        self._horizon = -math.inf

    def __len__(self) -> int:
        return len(self._near) + self._far

    def set(self, row: int, moment: float, ticket: int) -> None:
        """Let this be what comes next for a row that has nothing to come."""
        self._moments[row], self._tickets[row] = moment, ticket
        if moment <= self._horizon:
            heapq.heappush(self._near, (moment, ticket, row))
        else:
            self._far += 1

    def fill(self, moments: NDArray[np.float64], ticket: int) -> int:
        """Set every row of an empty agenda, but where the moment is infinite, with tickets from ``ticket`` on.

        Returns the ticket after them.
        """
        rows, self._horizon = np.flatnonzero(moments < math.inf), -math.inf
        self._moments[rows] = moments[rows]
        self._tickets[rows] = np.arange(ticket, ticket + len(rows))
        self._far = len(rows)
        return ticket + len(rows)

    def first(self) -> Entry | None:
        """The next entry, which stays; None if there is none."""
        if not self._near and self._far:
            self._look_out()
        return self._near[0] if self._near else None

    def pop(self) -> Entry:
        """Take the next entry out; raises IndexError if there is none."""
        if not self._near and self._far:
            self._look_out()
        entry = heapq.heappop(self._near)
        self._moments[entry[2]] = math.inf
        return entry

    def entries(self) -> list[Entry]:
        """All that is still to come, in order."""
        return self._among(np.flatnonzero(self._moments < math.inf))

    def _look_out(self) -> None:
        rows = np.flatnonzero(self._moments < math.inf)
        moments = self._moments[rows]
        self._horizon = float(np.partition(moments, NEAR)[NEAR] if len(rows) > NEAR else moments.max())
        # Sorted, so it is a heap already.
        self._near = self._among(rows[moments <= self._horizon])
        self._far -= len(self._near)

    def _among(self, rows: NDArray[np.int64]) -> list[Entry]:
        rows = rows[np.lexsort((self._tickets[rows], self._moments[rows]))]
        columns = self._moments[rows], self._tickets[rows], rows
        return list(zip(*(column.tolist() for column in columns), strict=True))
