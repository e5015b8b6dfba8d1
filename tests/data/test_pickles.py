"""Pickles of data are read, and those of anything else are refused before they run."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlecs_ray.data import pickles
from mlecs_ray.errors import InputError
from tests.data.published import pickled2, pixels


class _Evil:
    def __init__(self, call: Any, *arguments: Any) -> None:
        self.made = (call, arguments)

    def __reduce__(self) -> Any:
        return self.made


def test_a_dictionary_of_python_2_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(pickled2({"data": pixels(2), "labels": [1, 0], "names": ["caf\xe9"]}))
    content = pickles.read(tmp_path / "a")
    assert np.array_equal(content["data"], pixels(2))
    assert (content["labels"], content["names"]) == ([1, 0], ["caf\xe9"])


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_dictionary_of_python_3_is_read_whatever_its_keys_are(tmp_path: Path, protocol: int) -> None:
    (tmp_path / "a").write_bytes(pickle.dumps({b"data": pixels(3), "text": "x", b"raw": b"y"}, protocol))
    content = pickles.read(tmp_path / "a")
    assert np.array_equal(content["data"], pixels(3))
    assert (content["text"], content["raw"]) == ("x", b"y")


@pytest.mark.parametrize(
    ("evil", "words"),
    [
        (_Evil(os.mkdir, "run"), r"it calls posix.mkdir, which no data needs"),
        (_Evil(eval, "1"), r"it calls (__builtin__|builtins).eval"),
        (_Evil(np.load, "x"), r"it calls numpy.load"),
    ],
)
def test_what_calls_anything_else_is_refused_and_nothing_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evil: _Evil, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_bytes(pickle.dumps({"data": evil}, 2))
    with pytest.raises(InputError, match=words):
        pickles.read(tmp_path / "a")
    assert not (tmp_path / "run").exists()


def test_bytes_that_would_unpack_to_gigabytes_are_refused(tmp_path: Path) -> None:
    import _codecs

    (tmp_path / "a").write_bytes(pickle.dumps({"data": _Evil(_codecs.encode, "x", "zip")}, 2))
    with pytest.raises(InputError, match="the codec zip is not read"):
        pickles.read(tmp_path / "a")


@pytest.mark.parametrize("raw", [b"", b"no pickle", pickled2({"data": pixels(2)})[:-1000]])
def test_what_is_cut_short_or_no_pickle_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a").write_bytes(raw)
    with pytest.raises(InputError, match="cannot be read as a pickle of data"):
        pickles.read(tmp_path / "a")


def test_a_file_that_is_missing_and_one_that_holds_a_list_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read as a pickle"):
        pickles.read(tmp_path / "none")
    (tmp_path / "a").write_bytes(pickle.dumps([1]))
    with pytest.raises(InputError, match="must hold a dictionary, not a list"):
        pickles.read(tmp_path / "a")
