"""Python files of a user's own: methods and networks by ``path.py:Name``."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from mlecs_ray.errors import InputError


def load_module(path: Path) -> ModuleType:
    """Import a file by its path, once per process and path."""
    path = path.expanduser().resolve()
    key = f"mlecs_own_{path.stem}_{abs(hash(str(path)))}"
    if key in sys.modules:
        return sys.modules[key]
    if not path.is_file():
        raise InputError(f"{path} is no file, so there is nothing to load from it")
    spec = importlib.util.spec_from_file_location(key, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is no Python file, so there is nothing to load from it")
    module = importlib.util.module_from_spec(spec)
    sys.modules[key] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[key]
        raise InputError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def load_object(path: Path, name: str) -> Any:
    """What the file calls ``name``, a function or a class; raises InputError where there is none."""
    found = getattr(load_module(path), name, None)
    if not callable(found):
        raise InputError(f"{path} defines no {name!r} that can be called, so there is nothing to run")
    return found
