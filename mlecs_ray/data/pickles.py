"""Pickles of strangers: numbers, texts, lists, dictionaries and numpy arrays are read, nothing else is ever run."""

import io
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy._core.multiarray import _reconstruct

from mlecs_ray.errors import InputError


def _latin1(text: str, codec: str) -> bytes:
    # How Python 3 writes bytes for Python 2. Other codecs could make gigabytes of a few bytes.
    if codec != "latin1":
        raise pickle.UnpicklingError(f"the codec {codec} is not read")
    return text.encode("latin1")


_ALLOWED: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _latin1,
}
"""What an array is made by. A pickle is a program, and names what it calls: it is given these and no others."""


@final
class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it calls {module}.{name}, which no data needs")
        return _ALLOWED[module, name]


def read(file: Path) -> Mapping[str, Any]:
    """The dictionary that a pickle of Python 2 or 3 holds; texts of Python 2 are read as Latin-1.

    Raises InputError where it is missing, cut short, holds something else, or asks for more than data needs: then
    nothing of it was run.
    """
    try:
        content = _Unpickler(io.BytesIO(file.read_bytes()), encoding="latin1").load()
    # What is no pickle may fail in any way.
    except Exception as error:
        raise InputError(f"{file} cannot be read as a pickle of data ({error}), so nothing of it was taken") from error
    if not isinstance(content, dict):
        raise InputError(f"{file} must hold a dictionary, not a {type(content).__name__}, so nothing of it was taken")
    return {text(key): value for key, value in content.items()}


def text(value: Any) -> str:
    """What one of Python 2's texts says, whichever Python has pickled it since."""
    return value.decode("latin1") if isinstance(value, bytes) else str(value)
