"""SYSU-MM01: 491 people before four cameras for colour and two for infrared (Wu et al., ICCV 2017 and IJCV 2020).

Confirmed by the makers' README and evaluation (wuancong/SYSU-MM01): ``cam1`` .. ``cam6`` with a folder for each person,
not everybody in each; cameras 3 and 6 are infrared, 2 and 3 stand in one room; ``exp/train_id.txt``, ``val_id.txt`` and
``test_id.txt`` have nobody in common, and the validation may be trained on; infrared is looked for in one or ten
pictures of each person by each camera, of 1, 2, 4 and 5 (all-search) or 1 and 2 (indoor-search), drawn ten times.
Confirmed in code of others (ZYK100/LLCM): the lists are one line of numbers with commas between, folders have four
digits, pictures are ``cam1/0001/0001.jpg`` and brought to 288 x 144. Assumed: which pictures are drawn is ours, as the
makers' permutations are a MATLAB file; of who has fewer than ten by a camera all are taken.
"""

from collections.abc import Iterator
from pathlib import Path

from mlecs_ray.data.pool import Pool
from mlecs_ray.data.reid.galleries import TRIALS, drawn, grouped
from mlecs_ray.data.reid.published import needed, people, pooled
from mlecs_ray.data.reid.trials import Trial, having
from mlecs_ray.data.reid.views import Row, Size
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

SIZE = Size(288, 144)
CAMERAS = {"cam1": "c1", "cam2": "c2", "cam3": "c3@c2", "cam4": "c4", "cam5": "c5", "cam6": "c6"}
"""By folder."""
INFRARED = ("cam3", "cam6")
LISTS = {"exp/train_id.txt": False, "exp/val_id.txt": False, "exp/test_id.txt": True}
"""Each with whether it is the test."""
MODES = {"all-search": ("c1", "c2", "c4", "c5"), "indoor-search": ("c1", "c2")}
"""Each with the cameras of its gallery."""
SHOTS = {"single-shot": 1, "multi-shot": 10}


def load(folder: Path, size: Size = SIZE) -> Pool:
    """A row for each picture, ``ir`` or ``rgb``. Raises InputError where a list is missing or damaged, somebody has no
    picture, or the parts have somebody in common."""
    return pooled("sysumm01", read(folder), size)


def read(folder: Path) -> tuple[Row, ...]:
    """The pictures of all that the lists name, by list, person and camera."""
    needed(folder, "sysumm01", *LISTS, *CAMERAS)
    return tuple(
        row
        for listing, test in LISTS.items()
        for person in people(folder / listing)
        for row in _sightings(folder, listing, person, test)
    )


def protocol(test: Samples) -> tuple[Trial, ...]:
    """All infrared pictures are looked for in a drawn gallery of colour: two modes, one or ten shots, ten trials each.

    All that camera 2 saw is left out of what is searched for camera 3.
    """
    queries, colour = having(test, "ir"), grouped(test, "rgb")
    return tuple(
        Trial(f"{mode}, {shot}", "ir", "rgb", queries, drawn(colour, trial, shots, cameras), apart=True, once=True)
        for mode, cameras in MODES.items()
        for shot, shots in SHOTS.items()
        for trial in TRIALS
    )


def _sightings(folder: Path, listing: str, person: str, test: bool) -> Iterator[Row]:
    found = [(camera, file) for camera in CAMERAS for file in sorted((folder / camera / person).glob("*.jpg"))]
    if not found:
        raise InputError(
            f"{folder / listing} names {person}, of whom no camera has a picture (cam1/{person}/*.jpg), so a part of "
            "the data is lacking: unpack the archive anew"
        )
    for camera, file in found:
        yield Row(person, CAMERAS[camera], {"ir" if camera in INFRARED else "rgb": file}, test)
