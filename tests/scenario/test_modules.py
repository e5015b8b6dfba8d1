"""Python files of a user's own, found, imported once, or refused by their path."""

from pathlib import Path

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.modules import load_module, load_object

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
