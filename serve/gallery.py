"""Galleries: embeddings of who was seen where, enrolled and searched by cosine, exact and on disk."""

import re
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from lancedb.expr import col, lit
from lancedb.query import ColumnOrdering
from lancedb.table import Table

from mlecs_ray.errors import InputError
from serve.entries import Card, Embedding, Entry, Facts, Hit, Limits, Who, check_text
from serve.filters import one_of
from serve.nearest import candidates, ranked
from serve.rows import LIGHT, Row, card, encode, entry, rows, schema, sound
from serve.tables import Tables
from serve.trouble import Trouble
from serve.where import Where

T = TypeVar("T")
ANYONE = Who()
"""Who has the folder may do everything."""


class Gallery:
    """Named galleries in one folder, each of one embedding space; made by the first entry that is enrolled.

    Threads and processes of one machine may share the folder. What a call has returned outlives a killed process.
    All methods raise InputError where a name, a size or a space breaks a rule, or a gallery is damaged.
    """

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._tables = Tables(folder)

    def enrol(self, gallery: str, entries: Sequence[Entry], who: Who = ANYONE) -> list[str]:
        """Add entries or replace those of the same id, all or none; their ids, in order.

        A gallery that is made by this is the caller's. Raises Trouble where an id is in another's already.
        """
        _checked(gallery)
        named = self._identified(entries)
        if not named:
            return []
        space, width = _one_space(entries)
        new = encode(named, schema(space, width, who.name))
        with self._tables.writing():
            table = self._tables.open(gallery)
            if table is None:
                self._create(gallery, new, who)
            else:
                _same_space(gallery, table, space, width)
                self._put(gallery, table, new, [one.id for one in entries if one.id], who)
        return list(named)

    def search(self, gallery: str, query: Embedding, top_k: int = 10, where: Where | None = None) -> list[Hit]:
        """The ``top_k`` entries with the largest cosine, best first, ties by id."""
        self._within("top_k", top_k)

        def ask(table: Table) -> list[Row]:
            _same_space(gallery, table, query.space, len(query.unit))
            return candidates(table, query, top_k, where or Where())

        best = ranked(self._read(gallery, ask), query)[:top_k]
        self._intact(gallery, [row for _, row in best])
        return [Hit(score, card(row)) for score, row in best]

    def get(self, gallery: str, one: str) -> Entry:
        """The entry of this id, with its vector of length 1 and its picture."""
        check_text(one, "id")

        def ask(table: Table) -> tuple[list[Row], str]:
            return rows(table.search().where(col("id") == lit(one)).limit(1).to_arrow()), _facts(table).space

        found, space = self._read(gallery, ask)
        if not found:
            raise InputError(f"gallery {gallery!r} holds no id={one!a}, so there is nothing to return")
        self._intact(gallery, found)
        return entry(found[0], space)

    def page(self, gallery: str, after: str = "", size: int = 100) -> list[Card]:
        """Up to ``size`` entries in order of their ids, from the first behind ``after``."""
        self._within("page", size)
        if after:
            check_text(after, "after")
        by_id = [ColumnOrdering(column_name="id", ascending=True, nulls_first=False)]

        def ask(table: Table) -> list[Row]:
            scan = table.search().where(col("id") > lit(after)).order_by(by_id)
            return rows(scan.limit(size).select(LIGHT).to_arrow())

        found = self._read(gallery, ask)
        self._intact(gallery, found)
        return [card(row) for row in found]

    def delete(self, gallery: str, ids: Sequence[str], who: Who = ANYONE) -> int:
        """Remove these entries; how many there were. Unknown ids are no error. Raises Trouble in another's gallery."""
        self._within("batch", len(ids) or 1)
        for one in ids:
            check_text(one, "id")
        with self._tables.writing():
            table = self._tables.open(_checked(gallery))
            if table is None:
                raise _unknown(gallery)
            _check_owner(gallery, _facts(table).owner, who)
            known = _known(table, ids) if ids else 0
            if known:
                self._tables.change(gallery, table, lambda t: t.delete(one_of("id", ids)))
            return known

    def drop(self, gallery: str, who: Who = ANYONE) -> None:
        """Remove a gallery and all it holds, damaged or not. Raises Trouble for another's."""
        with self._tables.writing():
            if _checked(gallery) not in self._tables.names():
                raise _unknown(gallery)
            _check_owner(gallery, self._owner(gallery), who)
            self._tables.drop(gallery)

    def _owner(self, gallery: str) -> str:
        """Of a damaged one nobody can read whose it is."""
        try:
            table = self._tables.open(gallery)
        except Trouble:
            return ""
        return "" if table is None else _facts(table).owner

    def galleries(self) -> list[str]:
        """The names of all galleries, sorted."""
        return self._tables.names()

    def facts(self, gallery: str) -> Facts:
        """What a gallery is."""
        return self._read(gallery, _facts)

    def verify(self, gallery: str) -> int:
        """Compare every entry with its checksum; how many there are. Reads the whole gallery."""

        def ask(table: Table) -> int:
            checked = 0
            for batch in table.search().to_batches(1024):
                found = rows(pa.Table.from_batches([batch]))
                self._intact(gallery, found)
                checked += len(found)
            return checked

        return self._read(gallery, ask)

    def _identified(self, entries: Sequence[Entry]) -> dict[str, Entry]:
        self._within("batch", len(entries) or 1)
        named: dict[str, Entry] = {}
        for one in entries:
            name = one.id or uuid.uuid4().hex
            if name in named:
                raise InputError(f"id={name!a} stands twice in one call, so nothing was enrolled")
            named[name] = one
        return named

    def _create(self, gallery: str, new: pa.Table, who: Who) -> None:
        names = self._tables.names()
        if len(names) >= self._limits.galleries:
            raise InputError(
                f"there are {len(names)} galleries of at most {self._limits.galleries}, so {gallery!r} was not made"
            )
        own = 0 if who.admin else sum(self._owner(name) == who.name for name in names)
        if own >= self._limits.owned:
            raise InputError(
                f"this key has made {own} galleries of at most {self._limits.owned}, so {gallery!r} was not made: drop "
                "one that is not needed any more"
            )
        self._room(gallery, 0, len(new))
        self._tables.create(gallery, new)

    def _put(self, gallery: str, table: Table, new: pa.Table, given: list[str], who: Who) -> None:
        known = _known(table, given) if given else 0
        if known and not who.owns(_facts(table).owner):
            raise Trouble(
                f"{known} of the ids are in gallery {gallery!r} already, and only the key that made it, or one of the "
                "role admin, replaces entries, so none was enrolled",
                kind="role",
            )
        self._room(gallery, table.count_rows(), len(new) - known)
        self._tables.change(gallery, table, lambda t: _upsert(t, new) if known else t.add(new))

    def _room(self, gallery: str, there: int, new: int) -> None:
        if new > 0 and there + new > self._limits.entries:
            raise InputError(
                f"gallery {gallery!r} holds {there} entries, {new} more are above its limit of {self._limits.entries}, "
                "so none was enrolled"
            )

    def _within(self, limit: str, value: int) -> None:
        most = getattr(self._limits, limit)
        if not 1 <= value <= most:
            raise InputError(f"{limit}={value} must lie in 1..{most}, so nothing was done: ask in parts")

    def _read(self, gallery: str, ask: Callable[[Table], T]) -> T:
        found = self._tables.read(_checked(gallery), ask)
        if found is None:
            raise _unknown(gallery)
        return found

    def _intact(self, gallery: str, found: Sequence[Row]) -> None:
        for row in found:
            if not sound(row):
                raise self._tables.damaged(gallery, f"the checksum of id={row['id']!a} is another")


def _known(table: Table, ids: Sequence[str]) -> int:
    return len(table.search().where(one_of("id", ids)).select(["id"]).limit(len(ids)).to_arrow())


def _upsert(table: Table, new: pa.Table) -> None:
    table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(new)


def _check_owner(gallery: str, owner: str, who: Who) -> None:
    if not who.owns(owner):
        raise Trouble(
            f"only the key that made gallery {gallery!r}, or one of the role admin, takes anything out of it, so "
            "nothing was removed",
            kind="role",
        )


def _facts(table: Table) -> Facts:
    columns = table.schema
    space, owner = columns.metadata[b"space"].decode(), columns.metadata.get(b"owner", b"").decode()
    return Facts(space, columns.field("vector").type.list_size, table.count_rows(), owner)


def _one_space(entries: Sequence[Entry]) -> tuple[str, int]:
    spaces = sorted({(one.embedding.space, len(one.embedding.unit)) for one in entries})
    if len(spaces) > 1:
        raise InputError(f"the entries lie in {spaces} (space, width): one gallery holds one, so none was enrolled")
    return spaces[0]


def _same_space(gallery: str, table: Table, space: str, width: int) -> None:
    facts = _facts(table)
    if (space, width) != (facts.space, facts.width):
        raise InputError(
            f"gallery {gallery!r} holds vectors of {facts.width} numbers in space {facts.space!r}, these have {width} "
            f"in {space!r}: cosines between them would mean nothing, so nothing was done"
        )


def _checked(gallery: str) -> str:
    if not isinstance(gallery, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", gallery):
        raise InputError(
            f"gallery {ascii(gallery)[:80]} must be 1 to 64 letters, digits, '.', '_' or '-', the first a letter or "
            "digit, so there can be no such gallery"
        )
    return gallery


def _unknown(gallery: str) -> InputError:
    return InputError(f"there is no gallery {gallery!r}: enrolling an entry makes it, so there is nothing to do yet")
