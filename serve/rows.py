"""Entries as rows of a table, each with a checksum, as the library would return flipped bits as if they were data."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from serve.entries import Card, Embedding, Entry, metadata_text
from serve.filters import tagged

FORMAT = b"1"
TEXTS = ("id", "identity", "camera", "modalities", "metadata", "made_by")
LIGHT = [*TEXTS, "thumbnail_check", "vector", "check"]

Row = Mapping[str, Any]


def schema(space: str, width: int, owner: str = "") -> pa.Schema:
    """The columns of a gallery; an identity or camera that is not given is an empty text, as no name is empty."""
    fields = [pa.field(name, pa.utf8(), nullable=False) for name in TEXTS]
    fields += [
        pa.field("thumbnail", pa.binary()),
        pa.field("thumbnail_check", pa.int64()),
        pa.field("vector", pa.list_(pa.float32(), width), nullable=False),
        pa.field("check", pa.int64(), nullable=False),
    ]
    return pa.schema(fields, metadata={b"space": space.encode(), b"owner": owner.encode(), b"format": FORMAT})


def encode(entries: Mapping[str, Entry], columns: pa.Schema) -> pa.Table:
    """Entries by id as a table."""
    return pa.Table.from_pylist([_row(one, entry) for one, entry in entries.items()], schema=columns)


def _row(one: str, entry: Entry) -> dict[str, Any]:
    row = {
        "id": one,
        "identity": entry.identity or "",
        "camera": entry.camera or "",
        "modalities": tagged(entry.modalities),
        "metadata": metadata_text(entry.metadata),
        "made_by": entry.embedding.made_by,
        "thumbnail": entry.thumbnail,
        "thumbnail_check": None if entry.thumbnail is None else zlib.crc32(entry.thumbnail),
        "vector": entry.embedding.unit,
    }
    return {**row, "check": _check(row)}


def sound(row: Row) -> bool:
    """Whether a row is what was written; its picture is looked at where the row has that column."""
    picture = row.get("thumbnail")
    if picture is not None and zlib.crc32(picture) != row["thumbnail_check"]:
        return False
    return bool(row["check"] == _check(row))


def _check(row: Row) -> int:
    head = json.dumps([*(row[name] for name in TEXTS), row["thumbnail_check"]])
    return zlib.crc32(np.asarray(row["vector"], np.float32).tobytes(), zlib.crc32(head.encode()))


def rows(found: pa.Table) -> list[Row]:
    """A table as rows; each ``vector`` is (width,) float32."""
    vectors = found["vector"].combine_chunks()
    numbers = np.asarray(vectors.flatten()).reshape(len(found), vectors.type.list_size)
    light = found.drop_columns(["vector"]).to_pylist()
    return [{**row, "vector": vector} for row, vector in zip(light, numbers, strict=True)]


def card(row: Row) -> Card:
    """A row as what a page shows of it."""
    return Card(
        id=row["id"],
        identity=row["identity"] or None,
        camera=row["camera"] or None,
        modalities=_tags(row["modalities"]),
        metadata=json.loads(row["metadata"]),
        made_by=row["made_by"],
        has_thumbnail=row["thumbnail_check"] is not None,
    )


def entry(row: Row, space: str) -> Entry:
    """A row as what was enrolled, its vector of length 1."""
    return Entry(
        embedding=Embedding(row["vector"], space, row["made_by"]),
        id=row["id"],
        identity=row["identity"] or None,
        camera=row["camera"] or None,
        modalities=_tags(row["modalities"]),
        metadata=json.loads(row["metadata"]),
        thumbnail=row["thumbnail"],
    )


def _tags(text: str) -> frozenset[str]:
    return frozenset(text.strip("|").split("|")) - {""}
