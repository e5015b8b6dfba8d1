"""The folder of UR Fall Detection: what it holds of each recording, wherever its archives were unpacked."""

import csv
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mlecs_ray.errors import InputError

FRAME_MS = 1000 / 30
"""From one frame to the next, where no table says when they were taken."""
T = TypeVar("T")
_FILE = re.compile(r"((?:fall|adl)-\d\d)-(?:cam0-(rgb|d)-(\d+)\.png|(acc|data)\.csv)")
_FALLS = "urfall-cam0-falls.csv"
_POSTURES = (_FALLS, "urfall-cam0-adls.csv")


@dataclass(frozen=True)
class Recording:
    """What there is of one recording, by frame from 1; ``posture`` is -1 not lying, 0 on the way down, 1 lying."""

    name: str
    rgb: Mapping[int, Path]
    depth: Mapping[int, Path]
    readings: Path | None
    clock_ms: Mapping[int, float]
    posture: Mapping[int, int]

    @property
    def is_fall(self) -> bool:
        """Whether somebody falls in it; in the others people may lie down, on purpose."""
        return self.name.startswith("fall")

    @property
    def frames(self) -> int:
        """The last frame that anything is known of."""
        return max((max(known) for known in (self.rgb, self.depth, self.clock_ms, self.posture) if known), default=0)

    def begins_ms(self, frame: int) -> float:
        """When this frame was taken; where the clock says nothing, frames are a thirtieth of a second apart."""
        return self.clock_ms.get(frame, (frame - 1) * FRAME_MS)


def read(folder: Path) -> tuple[Recording, ...]:
    """All recordings below ``folder``, by name: those that have a picture or table of their own.

    Raises InputError for a table that is broken, and where the postures of falls are missing.
    """
    files, tables = _files(folder)
    fall = next((name for name in sorted(files) if name.startswith("fall")), None)
    if fall and _FALLS not in tables:
        raise InputError(f"{folder} holds {fall} but no {_FALLS}, so nobody knows when the falls happen")
    postures: dict[str, dict[int, int]] = {}
    for table in tables.values():
        for name, frame, posture in _parsed(table, _posture, "a recording, a frame and a posture of -1, 0 or 1"):
            postures.setdefault(name, {})[frame] = posture
    return tuple(_recording(name, files[name], postures.get(name, {})) for name in sorted(files))


def _recording(name: str, files: Mapping[str, Mapping[int, Path]], posture: Mapping[int, int]) -> Recording:
    clock = files.get("data", {}).get(0)
    return Recording(
        name,
        rgb=files.get("rgb", {}),
        depth=files.get("d", {}),
        readings=files.get("acc", {}).get(0),
        clock_ms=dict(_parsed(clock, _tick, "a frame and milliseconds")) if clock else {},
        posture=posture,
    )


def _files(folder: Path) -> tuple[dict[str, dict[str, dict[int, Path]]], dict[str, Path]]:
    """By recording, kind and frame (0 for what is no picture); and the tables of postures."""
    files: dict[str, dict[str, dict[int, Path]]] = {}
    tables: dict[str, Path] = {}
    for base, folders, names in os.walk(folder):
        folders.sort()
        for name in names:
            if match := _FILE.fullmatch(name):
                recording, picture, frame, table = match.groups()
                files.setdefault(recording, {}).setdefault(picture or table, {})[int(frame or 0)] = Path(base) / name
            elif name in _POSTURES:
                tables[name] = Path(base) / name
    return files, tables


def _parsed(path: Path, parse: Callable[[list[str]], T], meaning: str) -> Iterator[T]:
    """The rows of a table, which has no header."""
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table ({error}), so its recordings are of no use") from error
    for number, row in enumerate(rows):
        try:
            if row:
                yield parse(row)
        except (ValueError, IndexError) as error:
            told = f"{path} row {number}: {','.join(row[:3])!r} must be {meaning}"
            raise InputError(f"{told}, or nobody knows what happens when") from error


def _tick(row: list[str]) -> tuple[int, float]:
    return int(row[0]), float(row[1])


def _posture(row: list[str]) -> tuple[str, int, int]:
    # What follows are features that the authors made of the depth.
    posture = int(row[2])
    if posture not in (-1, 0, 1):
        raise ValueError(posture)
    return row[0], int(row[1]), posture
