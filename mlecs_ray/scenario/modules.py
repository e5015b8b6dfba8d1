"""Python files of a user's own: methods and networks by ``path.py:Name``."""

import hashlib
import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from mlecs_ray.errors import InputError

LIMIT = 1_000_000
"""Bytes of such a file; nobody writes a larger one by hand."""


def full(path: Path | str) -> Path:
    """The path from the root on. Raises InputError where nobody has the home that it begins with."""
    try:
        return Path(path).expanduser().resolve()
    except (RuntimeError, OSError, ValueError) as error:
        raise InputError(f"{path} leads nowhere ({error}), so there is nothing to read: write it in full") from error


def load_module(path: Path) -> ModuleType:
    """Import a file by its path, once per process and path. It is read once, so ``source_of`` tells what ran."""
    path = full(path)
    if (loaded := sys.modules.get(_key(path))) is not None:
        return loaded
    source = _read(path)
    module = module_from_spec(ModuleSpec(_key(path), None, origin=str(path), loader_state=source))
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    try:
        # By no loader of Python's: it would read the file anew, or take what it was compiled to before.
        exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        raise InputError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def load_object(path: Path, name: str) -> Any:
    """What the file calls ``name``, a function or a class; raises InputError where there is none."""
    found = getattr(load_module(path), name, None)
    if not callable(found):
        raise InputError(f"{path} defines no {name!r} that can be called, so there is nothing to run")
    return found


def is_loaded(path: Path) -> bool:
    """Whether this process has imported it: what becomes of the file later is nothing to it."""
    return _key(full(path)) in sys.modules


def source_of(path: Path) -> bytes:
    """What this process executed, or would now where it has not yet. Raises InputError like ``load_module``."""
    path = full(path)
    loaded = sys.modules.get(_key(path))
    source: bytes = _read(path) if loaded is None or loaded.__spec__ is None else loaded.__spec__.loader_state
    return source


def _key(path: Path) -> str:
    """Files of one name in two folders are two modules."""
    return f"mlecs_own_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise InputError(f"{path} is no file, so there is nothing to load from it")
    if path.suffix != ".py":
        raise InputError(f"{path} is no Python file, so there is nothing to load from it")
    try:
        with path.open("rb") as file:
            source = file.read(LIMIT + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}, so there is nothing to load from it") from error
    if len(source) > LIMIT:
        raise InputError(
            f"{path} has more than {LIMIT / 1e6:g} MB, of which every run would keep a copy: leave data in files "
            "that it reads"
        )
    return source
