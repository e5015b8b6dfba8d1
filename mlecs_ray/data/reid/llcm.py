"""LLCM: 1,064 people by day and in the dark, before nine cameras for colour and near infrared (arXiv 2303.14481).

Confirmed by the makers' code (ZYK100/LLCM): ``idx/train_vis.txt`` and ``train_nir.txt`` with ``PATH LABEL`` in each
row; the gallery is one picture of each person by each camera, drawn ten times with the trial's number as seed, of which
the query's own camera's of the same person is left out. Confirmed in code of others: ``idx/test_vis.txt`` and
``test_nir.txt`` of the same kind; pictures are ``nir/0001/0001_c01_s185535_f7010_nir.jpg`` (person, camera, ..) and
``vis/``, brought to 288 x 144. Assumed: the two lists of the test name the same pictures as the makers' folders
``test_vis`` and ``test_nir``; all that is visible is looked for in drawn infrared, where the makers' code draws the
infrared and then looks for it among all that is visible.
"""

import re
from pathlib import Path

from mlecs_ray.data.pool import Pool
from mlecs_ray.data.reid.galleries import TRIALS, drawn, grouped
from mlecs_ray.data.reid.published import needed, pictures, pooled
from mlecs_ray.data.reid.trials import Trial, having
from mlecs_ray.data.reid.views import Row, Size
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

SIZE = Size(288, 144)
MODALITIES = {"vis": "rgb", "nir": "ir"}
"""By the name in lists."""
LISTS = {(part, light): f"idx/{part}_{light}.txt" for part in ("train", "test") for light in MODALITIES}
_CAMERA = re.compile(r"\d+_(c\d+)_.+")


def load(folder: Path, size: Size = SIZE) -> Pool:
    """A row for each picture, ``rgb`` or ``ir``. Raises InputError where a list is missing or damaged, a picture is not
    there or tells no camera, or the parts have somebody in common."""
    return pooled("llcm", read(folder), size)


def read(folder: Path) -> tuple[Row, ...]:
    """The pictures of the four lists, in their order."""
    needed(folder, "llcm", *LISTS.values())
    return tuple(
        Row(file.parent.name, _camera(file), {MODALITIES[light]: file}, part == "test")
        for (part, light), listing in LISTS.items()
        for file in pictures(folder, listing)
    )


def protocol(test: Samples) -> tuple[Trial, ...]:
    """All of one modality are looked for in a drawn gallery of the other, both ways, ten trials each."""
    return tuple(
        Trial(f"{asked} to {searched}", asked, searched, having(test, asked), drawn(groups, trial), once=True)
        for asked, searched in (("ir", "rgb"), ("rgb", "ir"))
        for groups in [grouped(test, searched)]
        for trial in TRIALS
    )


def _camera(file: Path) -> str:
    match = _CAMERA.fullmatch(file.name)
    if match is None:
        raise InputError(
            f"{file} must be named as 0001_c01_s185535_f7010_nir.jpg is, or nobody knows which camera saw it"
        )
    return match[1]
