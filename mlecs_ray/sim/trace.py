"""Availability from recorded traces: CSV or Parquet intervals, and FedScale's active / inactive lists."""

import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlecs_ray.errors import InputError
from mlecs_ray.sim.availability import State, States
from mlecs_ray.sim.checks import check_positive

_COLUMNS = ("client", "start", "end")
Row = Sequence[tuple[float, float]]
"""One recorded client: its online intervals [start, end), in order, apart or touching."""


@dataclass(frozen=True, eq=False)
class Trace:
    """Recorded clients, each repeated after its own span; answers by bisection.

    Simulated client i follows row i modulo the number of rows, so that a short trace can drive a large fleet.
    ``edges[offsets[r]:offsets[r + 1]]`` are the moments in [0, spans[r]) at which row r changes state; their number
    is even, because a span ends as the next begins. ``opens_on[r]`` is the state before the first of them.
    """

    edges: NDArray[np.float64]
    offsets: NDArray[np.int64]
    spans: NDArray[np.float64]
    opens_on: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.spans)

    def state(self, client: int, seconds: float) -> State:
        row = client % len(self.spans)
        low, high = int(self.offsets[row]), int(self.offsets[row + 1])
        on, span, many = bool(self.opens_on[row]), float(self.spans[row]), high - low
        if not many:
            return on, math.inf

        def edge(index: int) -> float:
            lap, place = divmod(index, many)
            return lap * span + float(self.edges[low + place])

        lap = math.floor(seconds / span)
        index = lap * many + bisect_right(self.edges, seconds - lap * span, low, high) - low
        # Rounding may leave the bisection one edge off; the edges as computed here decide.
        while edge(index) <= seconds:
            index += 1
        while edge(index - 1) > seconds:
            index -= 1
        return on == (index % 2 == 0), edge(index)

    def opening(self, count: int) -> States:
        """Clients that follow one row share its state."""
        states = np.array([self.state(row, 0.0) for row in range(min(count, len(self)))])
        online, until = (np.resize(column, count) for column in states.T)
        return online.astype(np.bool_), until


def trace_from_rows(rows: Sequence[Row], spans: Sequence[float]) -> Trace:
    """Build a trace from each client's online intervals and the seconds after which they repeat."""
    edges: list[float] = []
    offsets, opens_on = [0], []
    for row, span in zip(rows, spans, strict=True):
        toggles: set[float] = set()
        for start, end in row:
            # Where one interval ends and the next begins, nothing changes; the end of the span is its beginning.
            toggles ^= {start}
            toggles ^= {end % span}
        edges.extend(sorted(toggles))
        offsets.append(len(edges))
        # Just before 0 is just before the end of the span.
        opens_on.append(any(end == span for _, end in row))
    return Trace(np.array(edges), np.array(offsets), np.array(spans, dtype=np.float64), np.array(opens_on))


def load_trace(path: str | Path, span: float | None = None) -> Trace:
    """Read a trace from ``.csv``, ``.parquet`` (columns client, start, end in seconds) or ``.json`` (FedScale's lists).

    ``span`` is when a CSV or Parquet trace repeats; the latest end where it is None. Clients become rows in the order
    of their ids. Raises InputError with file, row (1 is the first below the header) and column.
    """
    file = Path(path)
    if file.suffix not in {".csv", ".parquet", ".json"}:
        raise InputError(f"{file}: a trace must be .csv, .parquet or .json, or it cannot be read")
    try:
        if file.suffix == ".json":
            return trace_from_fedscale(json.loads(file.read_text()), str(file))
        frame = pd.read_csv(file, skipinitialspace=True) if file.suffix == ".csv" else pd.read_parquet(file)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: no readable trace ({error}), so nobody's availability is known") from error
    return trace_from_frame(frame, str(file), span)


def trace_from_frame(frame: pd.DataFrame, source: str, span: float | None = None) -> Trace:
    """A trace from a table with the columns client, start and end; ``source`` names it in errors."""
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing or frame.empty:
        what = f"column {missing[0]!r} is missing" if missing else "it has no rows"
        raise InputError(f"{source}: {what}; a trace needs rows of client, start, end, or nobody is ever online")
    client, start, end = (_numbers(frame[name], source) for name in _COLUMNS)
    _refuse(source, "client", client, client != np.floor(client), "must be a whole number")
    _refuse(source, "start", start, start < 0, "must be >= 0 seconds")
    _refuse(source, "end", end, end <= start, "must be later than start")
    whole = float(end.max()) if span is None else span
    check_positive("span", whole, "the trace cannot repeat")
    _refuse(source, "end", end, end > whole, f"must not be later than the span {whole} after which the trace repeats")
    order = np.lexsort((start, client))
    overlap = np.zeros(len(start), dtype=np.bool_)
    overlap[order[1:]] = (client[order][1:] == client[order][:-1]) & (start[order][1:] < end[order][:-1])
    _refuse(source, "start", start, overlap, "must not be earlier than this client's previous end")
    cuts = np.flatnonzero(np.diff(client[order])) + 1
    pairs = np.stack([start[order], end[order]], axis=1)
    rows = [[(float(a), float(b)) for a, b in part] for part in np.split(pairs, cuts)]
    return trace_from_rows(rows, [whole] * len(rows))


def trace_from_fedscale(table: Mapping[Any, Mapping[str, Any]], source: str) -> Trace:
    """A trace from FedScale's ``{client: {"active": [...], "inactive": [...], "finish_time": ...}}``.

    Online from active[i] to inactive[i]; one active more than inactive runs to ``finish_time``, after which the
    client repeats. Its file is a pickle, which can run code: turn it into JSON once, where you trust it.
    """
    if not isinstance(table, Mapping) or not table:
        raise InputError(f"{source}: must be a mapping with at least one client, or nobody is ever online")
    rows, spans = [], []
    for client in sorted(table, key=_as_id):
        row, span = _fedscale_row(table[client], f"{source}: client {client}")
        rows.append(row)
        spans.append(span)
    return trace_from_rows(rows, spans)


def _as_id(name: Any) -> tuple[int, str]:
    """JSON knows only strings for keys; numbers among them sort as numbers."""
    return (int(name), "") if str(name).isdecimal() else (1 << 62, str(name))


def _fedscale_row(record: Mapping[str, Any], where: str) -> tuple[Row, float]:
    try:
        active = [float(x) for x in record["active"]]
        inactive = [float(x) for x in record["inactive"]]
        span = float(record["finish_time"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: needs active, inactive, finish_time as numbers ({error!r})") from error
    if not 0 < span < math.inf:
        raise InputError(f"{where}, finish_time: {span} must be finite and > 0, or the trace cannot repeat")
    if not 0 <= len(active) - len(inactive) <= 1:
        raise InputError(f"{where}: {len(active)} active and {len(inactive)} inactive times do not pair up")
    row: list[tuple[float, float]] = []
    last = 0.0
    for number, (start, end) in enumerate(zip_longest(active, inactive, fillvalue=span), 1):
        if not last <= start < end <= span:
            raise InputError(
                f"{where}, interval {number}: active={start}, inactive={end} must rise from {last} and stay within "
                f"finish_time={span}, or the client would be in two states at once"
            )
        row.append((start, end))
        last = end
    return row, span


def _numbers(column: pd.Series, source: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    _refuse(source, str(column.name), column.to_numpy(), ~np.isfinite(values), "must be a finite number")
    return values


def _refuse(source: str, column: str, values: NDArray[Any], bad: NDArray[np.bool_], rule: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"{source}, row {row + 1}, column {column}: {values[row]} {rule}, or the client's state is unknown"
        )
