"""The file of API keys: one JSON object a line, with a key's hash and never the key."""

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final, Literal

from filelock import FileLock, Timeout
from pydantic import AwareDatetime, ConfigDict, TypeAdapter, ValidationError

from mlecs_ray.errors import InputError
from serve.limits import Limits

Role = Literal["user", "admin"]

PATIENCE_SECONDS: Final = 10.0
"""How long a writer waits for another."""


def digest(key: str) -> str:
    """What the file holds of a key, in hex.

    SHA-256 without salt, and fast: slow hashes protect passwords, which people choose and others can guess. Nobody
    guesses 256 random bits, and every request must not cost a tenth of a second of CPU.
    """
    return hashlib.sha256(key.encode(errors="backslashreplace")).hexdigest()


@dataclass(frozen=True)
class Key:
    """Who may ask, until when, and how much. Raises InputError for a name or a hash that is none."""

    # A misspelt `expires` must not make a key that never ends.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: str
    hash: str
    created: AwareDatetime
    expires: AwareDatetime | None = None
    roles: frozenset[Role] = frozenset({"user"})
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", self.name):
            raise InputError(
                f"key name {self.name!r} must be 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or a digit, as it "
                "stands in logs"
            )
        if not re.fullmatch("[0-9a-f]{64}", self.hash):
            raise InputError(f"the hash of key {self.name} must be 64 hex digits, or no key ever matches it")

    def expired(self, now: datetime) -> bool:
        """Whether it has ended by then."""
        return self.expires is not None and self.expires <= now


_LINE: Final = TypeAdapter(Key)


def issue(
    name: str,
    created: datetime,
    expires: datetime | None = None,
    roles: frozenset[Role] = frozenset({"user"}),
    limits: Limits | None = None,
) -> tuple[Key, str]:
    """A new key as the file holds it, and as its user presents it, which is kept nowhere.

    Raises InputError where it would never work.
    """
    if expires is not None and expires <= created:
        raise InputError(f"expires={expires} must be after {created}, or the key never works")
    presented = f"mlecs-{secrets.token_urlsafe(32)}"
    return Key(name, digest(presented), created, expires, roles, limits or Limits()), presented


def parse(text: str, path: Path) -> tuple[Key, ...]:
    """The keys of the file ``path``. Raises InputError with the number of a line that is no key."""
    keys: dict[str, Key] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            key = _parsed(line, f"{path}:{number}")
            if key.name in keys:
                raise InputError(f"{path}:{number}: there are two keys {key.name}, so none of the file's keys is taken")
            keys[key.name] = key
    return tuple(keys.values())


def _parsed(line: str, where: str) -> Key:
    try:
        return _LINE.validate_json(line)
    except ValidationError as error:
        # Without the input: it may be a key that someone pasted into the wrong place.
        fault = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, fault["loc"])) or "line"
        raise InputError(f"{where}: {place}: {fault['msg']}, so none of the file's keys is taken") from None


def read(path: Path) -> tuple[Key, ...]:
    """The keys of a file; an empty file has none. Raises InputError where there is no file, or a damaged one."""
    try:
        return parse(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read ({error}), so nobody has a key: `mlecs apikeys add` makes one"
        ) from error


def add(path: Path, key: Key) -> None:
    """Write the key to the file, made with its folder if need be. Raises InputError where its name is taken."""
    with _locked(path):
        keys = read(path) if path.exists() else ()
        if any(other.name == key.name for other in keys):
            raise InputError(f"{path} has a key {key.name} already: remove it first, or choose another name")
        _write(path, (*keys, key))


def remove(path: Path, name: str) -> None:
    """Servers that read the file refuse the key within a second. Raises InputError where there is none."""
    # A file that is not there needs no lock beside it.
    read(path)
    with _locked(path):
        keys = read(path)
        kept = tuple(key for key in keys if key.name != name)
        if len(kept) == len(keys):
            names = ", ".join(key.name for key in keys) or "none"
            raise InputError(f"{path} has no key {name!r}, so nothing was removed; it has {names}")
        _write(path, kept)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One writer at a time, so that none writes back what it read before another's key was added."""
    real = path.resolve()
    lock = real.with_name(f".{real.name}.lock")
    try:
        with FileLock(lock, timeout=PATIENCE_SECONDS, mode=0o600):
            yield
    except Timeout:
        raise InputError(
            f"{lock} has been held for {PATIENCE_SECONDS:g} s by another, so nothing was written"
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}), so its keys are as they were") from error


def _write(path: Path, keys: tuple[Key, ...]) -> None:
    """Whole or not at all: a server that reads meanwhile sees the old file or the new one."""
    # A link stays one.
    path = path.resolve()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            # mkstemp's mode is 0600; an operator may have opened the file to the server's group.
            if path.exists():
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            file.writelines(_LINE.dump_json(key) + b"\n" for key in keys)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
