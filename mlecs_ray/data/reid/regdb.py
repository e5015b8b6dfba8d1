"""RegDB: 412 people before a camera for colour and one for heat, ten pictures by each (Nguyen et al., Sensors 2017).

Confirmed in code of others (mangye16/Cross-Modal-Re-ID-baseline and its descendants, ZYK100/LLCM):
``idx/train_visible_1.txt`` .. ``test_thermal_10.txt`` with ``PATH LABEL`` in each row, ten divisions into halves;
paths are ``Visible/1/male_front_v_00007_1.bmp`` or ``Thermal/..``, whose folder is the person; labels begin at 0 in
each part, so they are not read; all of one camera are looked for among all of the other, both ways; pictures are
brought to 288 x 144. The ten divisions are ten runs, whose results are averaged.
"""

from pathlib import Path

from mlecs_ray.data.pool import Pool
from mlecs_ray.data.reid.published import needed, pictures, pooled
from mlecs_ray.data.reid.trials import Trial, having
from mlecs_ray.data.reid.views import Row, Size
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

SIZE = Size(288, 144)
DIVISIONS = 10
MODALITIES = {"visible": "rgb", "thermal": "ir"}
"""By the name in lists, which is the camera's too."""


def load(folder: Path, trial: int = 1, size: Size = SIZE) -> Pool:
    """A row for each picture, ``rgb`` or ``ir``, divided as the lists of this trial say.

    Raises InputError where there is no such trial, a list is missing or damaged, a picture is not there, or the parts
    have somebody in common.
    """
    return pooled("regdb", read(folder, trial), size)


def read(folder: Path, trial: int) -> tuple[Row, ...]:
    """The pictures of the four lists of a trial, in their order."""
    if not 1 <= trial <= DIVISIONS:
        raise InputError(f"trial={trial} must lie in 1..{DIVISIONS}, or no list says who is trained on")
    lists = {(part, camera): f"idx/{part}_{camera}_{trial}.txt" for part in ("train", "test") for camera in MODALITIES}
    needed(folder, "regdb", *lists.values())
    return tuple(
        Row(file.parent.name, camera, {MODALITIES[camera]: file}, part == "test")
        for (part, camera), listing in lists.items()
        for file in pictures(folder, listing)
    )


def protocol(test: Samples) -> tuple[Trial, ...]:
    """All of one camera are looked for among all of the other, both ways."""
    colour, heat = having(test, "rgb"), having(test, "ir")
    return (Trial("rgb to ir", "rgb", "ir", colour, heat), Trial("ir to rgb", "ir", "rgb", heat, colour))
