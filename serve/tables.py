"""Tables of a LanceDB folder: opened anew for each call, written by one at a time, compacted as they are written."""

import fcntl
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import lancedb
import pyarrow as pa
from lancedb.table import Table

from mlecs_ray.errors import InputError
from serve.rows import FORMAT
from serve.trouble import Trouble

T = TypeVar("T")

# A search that began before a compaction still finds its files for so long; longer, and they fill the disk.
KEPT = timedelta(seconds=10)
CACHE = 64 * 2**20


class Tables:
    """The tables under one folder, for any number of threads and processes of one machine.

    A table is opened for each call, in 0.3 ms, so none is ever stale.
    """

    def __init__(self, folder: Path) -> None:
        """Raises InputError where the folder cannot be made or written."""
        self._folder = folder
        self._tidied: dict[str, int] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self.writing():
                pass
        except OSError as error:
            raise InputError(f"{folder}: {error.strerror}; galleries live there, so none can be served") from error
        session = lancedb.Session(index_cache_size_bytes=CACHE, metadata_cache_size_bytes=CACHE)
        self._database = lancedb.connect(folder, session=session)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One thread of one process at a time; the kernel drops the lock of a process that dies."""
        with (self._folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def names(self) -> list[str]:
        """All tables, sorted, damaged ones too."""
        return sorted(path.stem for path in self._folder.glob("*.lance") if _written(path))

    def open(self, name: str) -> Table | None:
        """None where there is no such table; raises Trouble where it is damaged or of another format."""
        if not _written(self._folder / f"{name}.lance"):
            return None
        with self._sound(name):
            table = self._database.open_table(name)
            written = (table.schema.metadata or {}).get(b"format")
        if written is None:
            raise self.damaged(name, "it does not say its format")
        if written != FORMAT:
            raise Trouble(
                f"gallery {name!r} in {self._folder} has format {written!r}, this version reads {FORMAT!r}: "
                "enrol its entries anew",
                f"gallery {name!r} was written by another version of this server, so it answers nothing: drop it and "
                "enrol its entries anew",
            )
        return table

    def create(self, name: str, rows: pa.Table) -> None:
        """A new table that holds ``rows``, all or none."""
        with self._sound(name):
            self._database.create_table(name, data=rows)

    def drop(self, name: str) -> None:
        """Remove a table, damaged or not."""
        shutil.rmtree(self._folder / f"{name}.lance")

    def read(self, name: str, ask: Callable[[Table], T]) -> T | None:
        """What ``ask`` finds; None where there is no such table. Raises Trouble where it is damaged."""
        table = self.open(name)
        if table is None:
            return None
        try:
            return ask(table)
        except InputError:
            raise
        except Exception:
            # Its files may have been compacted or dropped since it was opened.
            table = self.open(name)
        if table is None:
            return None
        with self._sound(name):
            return ask(table)

    def change(self, name: str, table: Table, write: Callable[[Table], object]) -> None:
        """Do what ``write`` does, then compact when versions have become many."""
        with self._sound(name):
            write(table)
            self._tidy(name, table)

    def _tidy(self, name: str, table: Table) -> None:
        """Each version may leave a file that costs a search 0.2 ms; merging them copies the whole table."""
        tidied = self._tidied.get(name, 0)
        if not tidied <= table.version <= tidied + 32 + table.count_rows() // 1000:
            table.optimize(cleanup_older_than=KEPT)
            self._tidied[name] = table.version

    def damaged(self, name: str, why: str) -> Trouble:
        """The error that says what to do about a damaged table."""
        return Trouble(
            f"gallery {name!r} in {self._folder} is damaged ({why[:200]}), so it answers nothing: "
            "restore the folder from a copy, or drop the gallery and enrol again",
            f"gallery {name!r} is damaged, so it answers nothing: whoever runs this server can restore it from a copy, "
            "or drop it",
        )

    @contextmanager
    def _sound(self, name: str) -> Iterator[None]:
        try:
            yield
        except InputError:
            raise
        except Exception as error:
            if re.search(r"\bos error (28|122)\b", str(error)):
                shown = f"this server's disk is full, so gallery {name!r} was not written"
                raise Trouble(
                    f"{self._folder} is full, so gallery {name!r} was not written: make room", shown
                ) from error
            raise self.damaged(name, f"{type(error).__name__}: {error}") from error


def _written(folder: Path) -> bool:
    """Whether a table was ever committed there: a crash before that leaves a folder without a manifest."""
    return next(folder.glob("_versions/*.manifest"), None) is not None
