"""What is wrong with a user's Parquet folder, each problem by file, row and column; the schema is in docs/data.md."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SPLITS = ("train", "public", "test")
REQUIRED = ("id", "split")
OPTIONAL = ("client", "label", "text", "domain")
VECTOR = pa.list_(pa.float32())
"""What a modality column is read as; larger numbers than float32 holds are infinite."""
_FEW = 20
"""Problems of one kind that are listed per column: a million NaNs tell no more than twenty."""


@dataclass(frozen=True)
class Problem:
    """One broken rule; ``row`` counts from 0 within the file, None where it is not about a row."""

    file: str
    row: int | None
    column: str
    rule: str
    consequence: str

    def __str__(self) -> str:
        row = "" if self.row is None else f" row {self.row}"
        column = f" column {self.column!r}" if self.column else ""
        return f"{self.file}{row}{column}: {self.rule}, {self.consequence}"


def files(path: Path) -> list[Path]:
    """The Parquet files of a folder in the order of their names; a single file is a folder of one."""
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


def modalities(names: Iterable[str]) -> tuple[str, ...]:
    """All columns that are no metadata."""
    return tuple(sorted(set(names) - {*REQUIRED, *OPTIONAL}))


def check(path: Path) -> list[Problem]:
    """All problems, in the order in which they should be mended; empty where the data can be used."""
    found = files(path)
    if not found or not all(file.is_file() for file in found):
        return [Problem(str(path), None, "", "no *.parquet file is there", "so there is nothing to load")]
    tables, problems = _read(found)
    for name, table in tables.items():
        problems += _types(name, table)
    if problems:
        # Values cannot be judged before the columns are what they should be.
        return problems
    widths: dict[str, int] = {}
    rows = sum(map(len, tables.values()))
    for name, table in tables.items():
        problems += [*_metadata(name, table), *_labels(name, table, rows)]
        problems += [*_vectors(name, table, widths), *_presence(name, table)]
    return [*problems, *_identities(tables), *_empty(path, tables)]


def _read(found: Iterable[Path]) -> tuple[dict[str, Any], list[Problem]]:
    tables: dict[str, Any] = {}
    problems: list[Problem] = []
    for file in found:
        try:
            tables[file.name] = pq.ParquetFile(file).read()
        except (pa.ArrowException, OSError) as error:
            reason = str(error).strip().splitlines()[0]
            problems.append(
                Problem(file.name, None, "", f"not a readable Parquet file ({reason})", "so it cannot be used")
            )
    return tables, problems


def _is_vector(kind: Any) -> bool:
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(listed and pa.types.is_floating(kind.value_type))


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


_EXPECTED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(("id", "split", "client", "text", "domain"), (_is_text, "string")),
    "label": (pa.types.is_integer, "integer"),
}


def _types(file: str, table: Any) -> Iterator[Problem]:
    names = modalities(table.column_names)
    for required in REQUIRED:
        if required not in table.column_names:
            yield Problem(file, None, required, "the column is missing", "so samples cannot be told apart or split")
    if not names:
        yield Problem(file, None, "", "no modality column (list<float>) is there", "so there is nothing to learn from")
    for column in table.column_names:
        right, expected = _EXPECTED.get(column, (_is_vector, "list<float>"))
        kind = table.schema.field(column).type
        if not right(kind):
            yield Problem(file, None, column, f"type {kind} must be {expected}", "so the column cannot be read")
        if column in names and not re.fullmatch(r"[\w-]+", column):
            yield Problem(
                file, None, column, "a modality's name must be letters, digits, _ or -", "as modules carry it"
            )


def _metadata(file: str, table: Any) -> Iterator[Problem]:
    for column in table.column_names:
        if column in REQUIRED or column in OPTIONAL:
            null = table[column].is_null()
            if column == "client":
                null = pc.and_(null, pc.equal(table["split"], "train"))
            yield from _rows(file, column, null, "null must be a value", "or the column is of no use to any row")
    if "text" in table.column_names:
        blank = pc.equal(pc.utf8_trim_whitespace(table["text"]), "")
        yield from _rows(file, "text", blank, "must say something", "as a model that is to say it would learn silence")
    known = pc.is_in(table["split"], pa.array(SPLITS))
    unknown = pc.and_(pc.invert(known), table["split"].is_valid())
    yield from _rows(file, "split", unknown, f"must be one of {', '.join(SPLITS)}", "as the row has no use otherwise")


def _labels(file: str, table: Any, rows: int) -> Iterator[Problem]:
    """Labels count classes from 0: one that was mistyped must not make a thousand million of them."""
    if "label" not in table.column_names:
        return
    # Not by pyarrow, which refuses to compare the largest unsigned numbers with a signed one.
    values = pc.fill_null(table["label"], 0).to_numpy()
    yield from _rows(file, "label", pa.array(values < 0), "must be 0 or more", "as labels count classes")
    for problem in _rows(file, "label", pa.array(values >= rows), "", "as classes need rows to learn from"):
        rule = f"{values[problem.row]} must be less than {rows}, the number of rows in all files"
        yield replace(problem, rule=rule)


def _vectors(file: str, table: Any, widths: dict[str, int]) -> Iterator[Problem]:
    for column in modalities(table.column_names):
        vectors = table[column].cast(VECTOR).combine_chunks()
        lengths = pc.list_value_length(vectors)
        first = pc.first(lengths).as_py()
        if first is None:
            continue
        width = widths.setdefault(column, first or 1)
        ragged = pc.not_equal(lengths, width)
        yield from _rows(
            file, column, ragged, f"must hold {width} numbers like the first", "as all rows share one width"
        )
        values = pc.list_flatten(vectors).to_numpy(zero_copy_only=False)
        # Not pc.list_parent_indices: it counts what lies behind the nulls of fixed-size lists, list_flatten does not.
        rows = np.repeat(np.arange(len(table)), pc.fill_null(lengths, 0))
        bad = np.zeros(len(table), dtype=bool)
        bad[rows[~np.isfinite(values)]] = True
        yield from _rows(file, column, pa.array(bad), "NaN, infinity or null inside", "which would spoil every merge")


def _presence(file: str, table: Any) -> Iterator[Problem]:
    absent = np.ones(len(table), dtype=bool)
    for column in modalities(table.column_names):
        absent &= table[column].is_null().to_numpy()
    yield from _rows(file, "", pa.array(absent), "every modality is null", "so there is nothing to learn from")


def _rows(file: str, column: str, bad: Any, rule: str, consequence: str) -> Iterator[Problem]:
    for row in np.flatnonzero(pc.fill_null(bad, False))[:_FEW]:
        yield Problem(file, int(row), column, rule, consequence)


def _identities(tables: Mapping[str, Any]) -> Iterator[Problem]:
    """An id may name several rows of one split (pictures of one thing), never rows of two splits."""
    home: dict[str, str] = {}
    shown = 0
    for file, table in tables.items():
        pairs = zip(table["id"].to_pylist(), table["split"].to_pylist(), strict=True)
        for row, (identity, split) in enumerate(pairs):
            if home.setdefault(identity, split) != split and shown < _FEW:
                shown += 1
                rule = f"{identity!r} is in {split} and in {home[identity]}"
                yield Problem(file, row, "id", rule, "so the test would ask what was learned by heart")


def _empty(path: Path, tables: Mapping[str, Any]) -> Iterator[Problem]:
    used = {split for table in tables.values() for split in pc.unique(table["split"]).to_pylist()}
    for split, use in (("train", "learn from"), ("test", "measure by")):
        if split not in used:
            yield Problem(str(path), None, "split", f"no row is in {split}", f"so there is nothing to {use}")
