"""Rows taken apart into columns of a few bytes a value, so that millions of them fit into memory."""

import json
from array import array
from collections.abc import Hashable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from mlecs_ray.run.rows import BY

BLOCK = 1024
"""Rows that are taken apart at once: one by one costs twice the time."""


class Column(Protocol):
    """The values of one name, row by row."""

    def extend(self, values: Sequence[Any]) -> None:
        """More rows."""

    def truncate(self, rows: int) -> None:
        """Drop all but the first ``rows``."""

    def arrow(self) -> pa.Array:
        """As it is written."""

    def fill(self, written: pa.Array) -> None:
        """Take up what ``arrow`` gave, into an empty column."""

    def plain(self) -> bytes:
        """What a digest is taken of: little-endian numbers of 8 bytes, JSON for texts."""


class Numbers:
    """Whole numbers or floats, unboxed."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind
        self._dtype = np.dtype(kind.to_pandas_dtype())
        self._values = array({"l": "q"}.get(self._dtype.char, self._dtype.char))

    def extend(self, values: Sequence[Any]) -> None:
        self._values.extend(values)

    def truncate(self, rows: int) -> None:
        del self._values[rows:]

    def arrow(self) -> pa.Array:
        return pa.array(np.array(self._values, self._dtype), self._kind)

    def fill(self, written: pa.Array) -> None:
        self._values.frombytes(written.to_numpy(zero_copy_only=False).astype(self._dtype).tobytes())

    def plain(self) -> bytes:
        return np.asarray(self._values, "<f8" if pa.types.is_floating(self._kind) else "<i8").tobytes()


class Codes:
    """Texts, or bytes by modality: few are different, so each is kept once and a row is its number."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind, self._maps = kind, kind == BY
        self._codes = array("i")
        self._code: dict[Hashable, int] = {}
        """In the order in which the values came up, so that the n-th has the number n."""

    def extend(self, values: Sequence[Any]) -> None:
        self._add([tuple(sorted(value.items())) for value in values] if self._maps else values)

    def _add(self, keys: Sequence[Hashable]) -> None:
        for key in dict.fromkeys(keys):
            self._code.setdefault(key, len(self._code))
        self._codes.extend(map(self._code.__getitem__, keys))

    def truncate(self, rows: int) -> None:
        left = self._rows()[:rows]
        # Anew, so that no value stays of which there is no row.
        self._codes, self._code = array("i"), {}
        self._add(left)

    def arrow(self) -> pa.Array:
        if pa.types.is_dictionary(self._kind):
            codes = pa.array(np.array(self._codes), self._kind.index_type)
            return pa.DictionaryArray.from_arrays(codes, pa.array(list(self._code), self._kind.value_type))
        return pa.array(list(self._code), self._kind).take(pa.array(np.array(self._codes, np.int32)))

    def fill(self, written: pa.Array) -> None:
        values = written.to_pylist()
        self.extend([dict(value) for value in values] if self._maps else values)

    def plain(self) -> bytes:
        return json.dumps(self._rows()).encode()

    def _rows(self) -> list[Any]:
        table = list(self._code)
        return [table[code] for code in self._codes]


class Columns:
    """The rows of one table; ``seq`` is a row's place and is kept nowhere."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self._columns: Mapping[str, Column] = {
            field.name: _column(field.type) for field in schema if field.name != "seq"
        }
        self._values = attrgetter(*self._columns)
        self._fresh: list[object] = []
        """Rows that were not taken apart yet."""
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    @property
    def by_name(self) -> Mapping[str, Column]:
        """Every column, in order."""
        self._take_apart()
        return self._columns

    def append(self, row: object) -> None:
        """One more row, an object with an attribute for every column."""
        self._rows += 1
        self._fresh.append(row)
        if len(self._fresh) == BLOCK:
            self._take_apart()

    def truncate(self, rows: int) -> None:
        """Drop all but the first ``rows``."""
        for column in self.by_name.values():
            column.truncate(rows)
        self._rows = min(rows, self._rows)

    def table(self) -> pa.Table:
        """All rows, as they are written."""
        ready = {name: column.arrow() for name, column in self.by_name.items()}
        if "seq" in self.schema.names:
            ready["seq"] = pa.array(np.arange(len(self)))
        return pa.table([ready[name] for name in self.schema.names], schema=self.schema)

    def fill(self, table: pa.Table) -> None:
        """Take up a table that was read, into empty columns."""
        self._rows = table.num_rows
        for name, column in self._columns.items():
            column.fill(table[name].combine_chunks())

    def _take_apart(self) -> None:
        if self._fresh:
            columns = zip(*map(self._values, self._fresh), strict=True)
            for column, values in zip(self._columns.values(), columns, strict=True):
                column.extend(values)
            self._fresh.clear()


def _column(kind: pa.DataType) -> Column:
    return Numbers(kind) if pa.types.is_integer(kind) or pa.types.is_floating(kind) else Codes(kind)
