"""What folders of published re-identification data have in common: lists of people and of pictures, and two parts."""

from collections.abc import Sequence
from pathlib import Path

from mlecs_ray.data.pool import Pool, set_apart
from mlecs_ray.data.reid.views import Row, Size, pool
from mlecs_ray.errors import InputError


def needed(folder: Path, name: str, *inside: str) -> None:
    """Raises InputError where the folder of the data set ``name`` lacks one of these files and folders."""
    missing = [one for one in inside if not (folder / one).exists()]
    if missing:
        raise InputError(f"{folder} holds no {missing[0]}, so it is no folder of {name}; docs/data.md draws one")


def people(file: Path) -> tuple[str, ...]:
    """The people of a list of numbers with commas between, in four digits. Raises InputError for anything else."""
    words = _text(file).replace(",", " ").split()
    wrong = [word for word in words if not word.isdecimal()]
    if wrong or not words:
        raise InputError(
            f"{file} has {wrong[0] if wrong else 'nothing'!r}, must have numbers of people with commas between, or "
            "nobody knows who is in which part: unpack the archive anew"
        )
    return tuple(f"{int(word):04d}" for word in words)


def pictures(folder: Path, listing: str) -> tuple[Path, ...]:
    """The pictures of a list with ``PATH LABEL`` in each row, paths from ``folder``; labels are not needed.

    Raises InputError for a row of another kind, or a picture that is not there.
    """
    rows = [(row, line) for row, line in enumerate(_text(folder / listing).splitlines()) if line.strip()]
    return tuple(_picture(folder, f"{folder / listing} row {row}", line) for row, line in rows)


def pooled(name: str, rows: Sequence[Row], size: Size) -> Pool:
    """The pool of rows that have a training part and a test. Raises InputError where one has nobody, or both have
    somebody in common, before any picture is read."""
    test = [row.test for row in rows]
    set_apart(name, [row.identity for row in rows], test)
    if all(test) or not any(test):
        raise InputError(
            f"{name} has nobody in its {'training part' if any(test) else 'test'}, so there is nothing to "
            f"{'learn from' if any(test) else 'test on'}: take the data as published"
        )
    return pool(name, rows, size)


def _picture(folder: Path, where: str, line: str) -> Path:
    path, _, label = line.strip().rpartition(" ")
    if not path or not label.isdecimal():
        raise InputError(f"{where}: {line!r} must be a path and a number, or nobody knows which picture is meant")
    if not (folder / path).is_file():
        raise InputError(
            f"{where}: names {path}, which {folder} does not hold, so a picture of its part is lacking: unpack the "
            "archive anew"
        )
    return folder / path


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{file} cannot be read as text ({error}), so nobody knows who is in which part: unpack the archive anew"
        ) from error
