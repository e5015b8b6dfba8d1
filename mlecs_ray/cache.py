"""The one cache outside the repository: assets as fetched, and what is derived from them, each built once."""

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from mlecs_ray.errors import InputError


def root() -> Path:
    """``$MLECS_CACHE``, or ``mlecs-ray`` in the user's cache folder (``$XDG_CACHE_HOME`` or ``~/.cache``)."""
    own = os.environ.get("MLECS_CACHE")
    if own:
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mlecs-ray"


def derived(name: str, recipe: Mapping[str, Any]) -> Path:
    """Where the thing built by this recipe lives: another recipe (any JSON value in it) is another folder."""
    text = json.dumps(recipe, sort_keys=True)
    return root() / "derived" / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def build_once(path: Path, build: Callable[[Path], None], sound: Callable[[Path], bool] = Path.is_dir) -> Path:
    """The folder ``path``, filled by ``build`` unless it is there and ``sound``.

    ``build`` is given an empty folder beside ``path``, which takes its name only when ``build`` has returned: a crash
    leaves nothing half-written. Of two processes, one builds and the other waits. Raises InputError when the disk
    is full or may not be written.
    """
    if sound(path):
        return path
    with _mendable(path), _locked(path):
        if not sound(path):
            _build(path, build)
    return path


def _build(path: Path, build: Callable[[Path], None]) -> None:
    # We hold the lock, so a folder of this name was left by a process that died.
    part = path.with_name(f".{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        build(part)
        if path.is_dir():
            shutil.rmtree(path)
        part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time; the kernel drops the lock of a process that dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


_MENDABLE = (PermissionError, NotADirectoryError, FileExistsError)


@contextmanager
def _mendable(path: Path) -> Iterator[None]:
    """Turn a full or read-only disk into an error that says what to do."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        fault = error if isinstance(error, OSError) else _fault(error)
        if isinstance(fault, _MENDABLE) or fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise InputError(
                f"{fault.filename or path}: {fault.strerror}; the cache {root()} must be writable with room for "
                f"{path.name}, so nothing was written: make room or set MLECS_CACHE to another folder"
            ) from error
        raise


def _fault(error: SafetensorError) -> OSError:
    """What the system said: safetensors hides it in the text of an error of its own, e.g. ``(os error 28)``."""
    found = re.search(r"\bos error (\d+)", str(error))
    number = int(found[1]) if found else 0
    # The number decides the class: OSError(13, ...) is a PermissionError.
    return OSError(number, os.strerror(number))
