"""UCI-HAR: what 30 people with a phone at the waist do, in windows of 2.56 s (Anguita et al., ESANN 2013).

Confirmed by the data set's own README and the code of others: the names of files, 561 features of -1..1 in a row, text
with blanks between, labels from 1 as ``activity_labels.txt`` numbers them, subjects 1..30, none of them in both parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mlecs_ray.data.features import Table, column
from mlecs_ray.data.media import kept, trace
from mlecs_ray.data.pool import Pool, set_apart
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

FEATURES = 561
PARTS = ("train", "test")
_NEEDED = ("activity_labels.txt", *(f"{p}/{n}_{p}.txt" for p in PARTS for n in ("X", "y", "subject")))


@dataclass(frozen=True)
class Part:
    """The windows of the training part or of the test, in the order of its files."""

    name: str
    subjects: tuple[str, ...]
    labels: tuple[int, ...]

    @property
    def keys(self) -> list[str]:
        """One for each window, unlike those of the other part."""
        return [_key(self.name, row) for row in range(len(self.subjects))]


def load(folder: Path) -> Pool:
    """``motion`` is (n, 561); labels are activities, ids and domains subjects; the given test stays the test.

    Windows overlap by half, so all of a subject are one identity. Raises InputError where a file is missing, broken or
    does not fit the others.
    """
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder} holds no {missing[0]}, so it is no folder of ucihar; docs/data.md draws one")
    activities = _activities(folder / "activity_labels.txt")
    motion = kept("ucihar", {"of": trace(folder, [folder / name for name in _NEEDED])}, lambda: _table(folder))
    train, test = (_part(folder, name, activities, motion) for name in PARTS)
    people = train.subjects + test.subjects
    samples = Samples(
        inputs={"motion": column(motion, train.keys + test.keys)[0]},
        labels=torch.tensor([list(activities).index(label) for label in train.labels + test.labels]),
        ids=people,
        domains=people,
    )
    held = set_apart("ucihar", people, [False] * len(train.keys) + [True] * len(test.keys))
    return Pool("ucihar", samples, tuple(activities.values()), held)


def _key(part: str, row: int) -> str:
    return f"{part}-{row:05d}"


def _part(folder: Path, name: str, activities: Mapping[int, str], motion: Table) -> Part:
    subjects, labels = (_column(folder / name / f"{kind}_{name}.txt") for kind in ("subject", "y"))
    windows = sum(key.startswith(name) for key in motion)
    if not len(subjects) == len(labels) == windows:
        raise InputError(
            f"{folder / name} has {windows} windows (X), {len(labels)} labels (y) and {len(subjects)} subjects, must "
            "have as many of each, or nobody knows whose is what: unpack the archive anew"
        )
    unknown = [label for label in labels if label not in activities]
    if unknown:
        raise InputError(f"{folder / name}: label {unknown[0]} is none of activity_labels.txt, so it says nothing")
    return Part(name, tuple(f"subject-{subject:02d}" for subject in subjects), labels)


def _activities(file: Path) -> dict[int, str]:
    try:
        pairs = [line.split() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        return {int(number): name for number, name in pairs}
    except ValueError as error:
        raise InputError(
            f"{file} must have a number and a name in each row ({error}), or labels say nothing"
        ) from error


def _table(folder: Path) -> Table:
    return {
        _key(part, row): motion
        for part in PARTS
        for row, motion in enumerate(_rows(folder / part / f"X_{part}.txt", FEATURES))
    }


def _column(file: Path) -> tuple[int, ...]:
    return tuple(_rows(file, 1)[:, 0].astype(np.int64).tolist())


def _rows(file: Path, columns: int) -> NDArray[np.float32]:
    """(n, columns) of a text file of numbers."""
    try:
        rows = np.loadtxt(file, dtype=np.float32, ndmin=2)
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as rows of numbers ({error}): unpack the archive anew") from error
    if rows.shape[1:] != (columns,) or not np.isfinite(rows).all():
        raise InputError(
            f"{file} has {rows.shape[1]} columns, must have {columns}, all of them finite numbers, so it is no such "
            "file of ucihar: unpack the archive anew"
        )
    return rows
