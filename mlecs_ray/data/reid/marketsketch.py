"""Market-Sketch-1K: 996 people of Market-1501, drawn by up to six artists each (Lin et al., arXiv 2309.08372).

Confirmed by the makers' code (Lin-Kayla/subjectivity-sketch-reid): ``photo/train``, ``photo/query``,
``sketch/A/train`` and ``sketch/A/query`` to ``sketch/F/``, ``.jpg`` files whose first four characters are the person;
photos of training whose person nobody drew are left out; the gallery is all of ``photo/query``, where what is of nobody
drawn only distracts; pictures are brought to 288 x 144. Confirmed in code of others: photos are named as in Market-1501
(``0002_c1s1_000451_03.jpg``: person, camera, ..). Assumed: photos of the gallery named ``-1_c..`` and ``0000_c..``,
Market-1501's false detections, count as two more people whom nobody looks for, as they do in the makers' code. Not
read: several sketches as one query, other artists in training than in the test.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mlecs_ray.data.pool import Pool
from mlecs_ray.data.reid.published import needed, pooled
from mlecs_ray.data.reid.trials import Trial, having
from mlecs_ray.data.reid.views import Row, Size
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

SIZE = Size(288, 144)
PARTS = {"train": False, "query": True}
"""Each with whether it is the test."""
_ARTIST = re.compile("[A-Z]")
_PHOTO = re.compile(r"(-1|\d{4})_(c\d+).*")
_SKETCH = re.compile(r"(\d{4})(?!\d).*")


def load(folder: Path, size: Size = SIZE) -> Pool:
    """A row for each photo (``rgb``) and for each sketch, whose domain is the artist.

    Raises InputError where a folder is missing, a name tells nobody, somebody was drawn of whom there is no photo, or
    the parts have somebody in common.
    """
    return pooled("marketsketch", read(folder), size)


def read(folder: Path) -> tuple[Row, ...]:
    """Photos and sketches of both parts, by part, artist and name."""
    artists = _artists(folder)
    needed(folder, "marketsketch", *(f"{kind}/{part}" for kind in ("photo", *artists) for part in PARTS))
    return tuple(row for part in PARTS for row in _part(folder, artists, part))


def protocol(test: Samples) -> tuple[Trial, ...]:
    """Every sketch is looked for among all photos, those of all artists together and of each by itself."""
    sketches, photos = having(test, "sketch"), having(test, "rgb")
    artists = np.array([test.domains[i] for i in sketches])
    return (
        Trial("sketch to rgb", "sketch", "rgb", sketches, photos),
        *(
            Trial(f"sketch by {artist} to rgb", "sketch", "rgb", sketches[artists == artist], photos)
            for artist in sorted(set(artists.tolist()))
        ),
    )


def _artists(folder: Path) -> tuple[str, ...]:
    """Their folders; without one ``sketch/A``, which is then found missing."""
    found = [path.name for path in sorted(folder.glob("sketch/*")) if path.is_dir() and _ARTIST.fullmatch(path.name)]
    return tuple(f"sketch/{artist}" for artist in found or ["A"])


def _part(folder: Path, artists: tuple[str, ...], part: str) -> Iterator[Row]:
    test = PARTS[part]
    photos = [(_named(_PHOTO, file), file) for file in sorted((folder / "photo" / part).glob("*.jpg"))]
    there = {match[1] for match, _ in photos}
    sketches = [
        Row(_person(file, there), Path(artist).name, {"sketch": file}, test)
        for artist in artists
        for file in sorted((folder / artist / part).glob("*.jpg"))
    ]
    drawn = {row.identity for row in sketches}
    yield from (Row(match[1], match[2], {"rgb": file}, test) for match, file in photos if test or match[1] in drawn)
    yield from sketches


def _person(sketch: Path, there: set[str]) -> str:
    person = _named(_SKETCH, sketch)[1]
    if person not in there:
        raise InputError(
            f"{sketch} is of {person}, of whom photo/{sketch.parent.name} has no photo, so nobody can be found by it: "
            "unpack the archive anew"
        )
    return person


def _named(pattern: re.Pattern[str], file: Path) -> re.Match[str]:
    match = pattern.fullmatch(file.name)
    if match is None:
        raise InputError(
            f"{file} must be named by person, and a photo by camera too (0002_c1s1_000451_03.jpg), or nobody knows who "
            "it shows"
        )
    return match
