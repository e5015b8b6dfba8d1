"""Python files of a user's own, found, imported once, or refused by their path."""

import inspect
import os
import pickle
import py_compile
from pathlib import Path

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.modules import LIMIT, full, is_loaded, load_module, load_object, source_of

SCAFFOLD = Path(__file__).parents[2] / "examples" / "scaffold.py"
BROKEN = {
    "x =": "SyntaxError",
    "import nothing_here": "ModuleNotFoundError: No module named 'nothing_here'",
    "1 / 0": "ZeroDivisionError",
    "import sys; sys.exit(3)": "SystemExit: 3",
}


def written(folder: Path, text: str, name: str = "own.py") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_a_file_is_imported_once() -> None:
    assert load_module(SCAFFOLD) is load_module(SCAFFOLD.parent / ".." / "examples" / "scaffold.py")


def test_files_of_one_name_in_two_folders_are_two_modules(tmp_path: Path) -> None:
    for folder, number in (("a", 1), ("b", 2)):
        (tmp_path / folder).mkdir()
        written(tmp_path / folder, f"number = {number}")
    assert [load_module(tmp_path / folder / "own.py").number for folder in "ab"] == [1, 2]


@pytest.mark.parametrize("text", BROKEN)
def test_a_file_that_cannot_be_imported_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=f"own.py cannot be imported: {BROKEN[text]}"):
        load_module(written(tmp_path, text))


def test_a_file_that_was_mended_is_imported_anew(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        load_module(written(tmp_path, "1 / 0"))
    assert load_module(written(tmp_path, "number = 10")).number == 10


@pytest.mark.parametrize("name", ["no.py", "."])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"is no file, so there is nothing to load from it"):
        load_module(tmp_path / name)


def test_a_file_that_is_no_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"own.txt is no Python file, so there is nothing to load from it"):
        load_module(written(tmp_path, "number = 1", "own.txt"))


def test_functions_and_classes_are_found_by_their_names(tmp_path: Path) -> None:
    path = written(tmp_path, "def make():\n    return 3\nclass Mine: ...")
    assert load_object(path, "make")() == 3
    assert type(load_object(path, "Mine")()).__name__ == "Mine"


@pytest.mark.parametrize("name", ["nothing", "number", ""])
def test_what_cannot_be_called_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"own.py defines no '{name}' that can be called"):
        load_object(written(tmp_path, "number = 3"), name)


def test_what_was_executed_is_told_whatever_the_file_is_now(tmp_path: Path) -> None:
    path = written(tmp_path, "number = 1")
    assert not is_loaded(path)
    module = load_module(path)
    written(tmp_path, "number = 2")
    assert is_loaded(path)
    assert (source_of(path), load_module(path).number) == (b"number = 1", module.number)
    path.unlink()
    assert source_of(path) == b"number = 1"


def test_what_would_be_executed_is_told_of_a_file_that_was_not(tmp_path: Path) -> None:
    path = written(tmp_path, "number = 1")
    assert source_of(path) == b"number = 1"
    written(tmp_path, "number = 2")
    assert source_of(path) == b"number = 2"


def test_a_file_is_executed_as_it_is_and_not_as_it_was_compiled_before(tmp_path: Path) -> None:
    """An edit of one second that leaves the size as it was is none to what Python keeps of a file."""
    path = written(tmp_path, "number = 1")
    py_compile.compile(str(path))
    before = path.stat()
    written(tmp_path, "number = 2")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load_module(path).number == 2


def test_classes_of_a_file_know_their_module_and_where_it_is_written(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass Mine:\n    a: int = 3"
    )
    kind = load_object(written(tmp_path, text), "Mine")
    assert pickle.loads(pickle.dumps(kind())) == kind()
    assert inspect.getsource(kind).startswith("@dataclass\nclass Mine")


def test_a_file_that_nobody_has_written_by_hand_is_refused(tmp_path: Path) -> None:
    words = r"own.py has more than 1 MB, of which every run would keep a copy: leave data in files"
    path = written(tmp_path, "#" * (LIMIT + 1))
    for read in (load_module, source_of):
        with pytest.raises(InputError, match=words):
            read(path)
    assert load_module(written(tmp_path, "#" * LIMIT)).__file__ == str(path)


@pytest.mark.parametrize("name", ["gone.py", "folder.py"])
def test_the_bytes_of_what_is_no_file_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(InputError, match=f"{name} is no file, so there is nothing to load from it"):
        source_of(tmp_path / name)


@pytest.mark.parametrize("name", ["~nobody-of-this-name/own.py", "own\0.py"])
def test_a_path_that_leads_nowhere_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"own.*\.py leads nowhere"):
        full(name)
