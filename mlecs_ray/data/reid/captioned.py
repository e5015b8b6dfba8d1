"""Pictures of people with sentences about them in one list: what CUHK-PEDES, ICFG-PEDES and RSTPReid share.

Confirmed by the makers' README of CUHK-PEDES and by IRRA's readers of all three (anosorae/IRRA): a JSON list of entries
with ``id``, ``split`` (train, val or test), ``captions`` (a list) and the path of the picture from ``imgs/``; all test
captions are looked for among all test pictures. As in SYSU-MM01, who is in ``val`` may be trained on.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlecs_ray.data.pool import Pool
from mlecs_ray.data.reid.published import needed, pooled
from mlecs_ray.data.reid.trials import Trial, having
from mlecs_ray.data.reid.views import Part, Row, Size
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

PICTURES = "imgs"
SIZE = Size(384, 128)
"""That of IRRA and those that came after it."""
PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Layout:
    """How one of them names things."""

    name: str
    file: str
    path: str
    """The key of an entry under which its picture stands."""
    example: str
    camera: re.Pattern[str]
    """Matches the path of a picture; its group is the camera."""
    anew: bool = False
    """Whether the test may count its people from 0 again, so that an id is somebody only within its part."""


@dataclass(frozen=True)
class Entry:
    """One picture and what is said of it."""

    identity: str
    camera: str
    picture: Path
    captions: tuple[str, ...]
    test: bool


def load(folder: Path, layout: Layout, size: Size = SIZE) -> Pool:
    """A row for each picture, with its first caption, and one without picture for each further caption.

    Raises InputError where the list is missing or damaged, a picture is not there, or the parts have somebody in
    common.
    """
    return pooled(layout.name, [row for entry in read(folder, layout) for row in _rows(entry)], size)


def read(folder: Path, layout: Layout) -> tuple[Entry, ...]:
    """The entries of the list, in its order. Raises InputError where it, or one of them, cannot be read."""
    needed(folder, layout.name, layout.file, PICTURES)
    file = folder / layout.file
    entries = tuple(_entry(folder, layout, f"{file} entry {row}", one) for row, one in enumerate(_list(file)))
    both = {one.picture for one in entries if one.test} & {one.picture for one in entries if not one.test}
    if both:
        raise InputError(
            f"{file} has {min(both)} both in its training part and in its test, so the test would tell nothing new: "
            "take the data as published"
        )
    return entries


def protocol(test: Samples) -> tuple[Trial, ...]:
    """Every caption is looked for among all pictures."""
    return (Trial("text to rgb", "text", "rgb", having(test, "text"), having(test, "rgb")),)


def _list(file: Path) -> Sequence[Any]:
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as JSON ({error}), so nobody is described: get it anew") from error
    if not isinstance(entries, list):
        raise InputError(f"{file} must be a list of pictures, not a JSON {type(entries).__name__}, or nobody is in it")
    return entries


def _entry(folder: Path, layout: Layout, where: str, raw: Any) -> Entry:
    match raw:
        case {"id": int() | str() as identity, "split": str(part), "captions": list(said), layout.path: str(path)}:
            part = part.lower()
        case _:
            raise InputError(
                f"{where}: must have id, split, captions (a list) and {layout.path}, or nobody knows who is described"
            )
    if part not in PARTS:
        raise InputError(f"{where}: split {part!r} must be one of {', '.join(PARTS)}, or it is in no part")
    return Entry(
        identity=f"{'test' if part == 'test' else 'train'}-{identity}" if layout.anew else str(identity),
        camera=_camera(layout, where, path),
        picture=_picture(folder / PICTURES, where, path),
        captions=_captions(where, said),
        test=part == "test",
    )


def _camera(layout: Layout, where: str, path: str) -> str:
    match = layout.camera.fullmatch(path)
    if match is None:
        raise InputError(f"{where}: {path!r} must be named as {layout.example} is, or its camera is not known")
    return match[1]


def _picture(folder: Path, where: str, path: str) -> Path:
    if not (folder / path).is_file():
        raise InputError(
            f"{where}: names {path}, which {folder} does not hold, so its captions describe nobody: unpack the archive "
            "anew"
        )
    return folder / path


def _captions(where: str, said: Sequence[Any]) -> tuple[str, ...]:
    wrong = [one for one in said if not isinstance(one, str)]
    if wrong:
        raise InputError(f"{where}: caption {wrong[0]!r} must be a sentence, or it describes nobody")
    return tuple(" ".join(one.split()) for one in said if one.strip())


def _rows(entry: Entry) -> Iterator[Row]:
    said: list[dict[str, Part]] = [{"text": caption} for caption in entry.captions] or [{}]
    said[0]["rgb"] = entry.picture
    for parts in said:
        yield Row(entry.identity, entry.camera, parts, entry.test)
