"""ICFG-PEDES, read from a small folder of the published layout."""

from pathlib import Path
from typing import Any

import pytest

from mlecs_ray.data.reid import icfgpedes
from mlecs_ray.data.reid.captioned import read
from mlecs_ray.errors import InputError
from tests.data.reid.written import SMALL, captioned

NAMES = ("test/0627/0627_010_05_0303afternoon_1591_0.jpg", "train/0002/0002_001_12_0113noon_0001_0_ex.jpg")


def entry(identity: int, split: str, path: str) -> dict[str, Any]:
    return {"id": identity, "split": split, "captions": [f"Person {identity}."], "file_path": path}


def write(folder: Path, tested: int = 0, *names: str) -> Path:
    first, second = names or NAMES
    return captioned(folder, "ICFG-PEDES.json", "file_path", entry(0, "train", first), entry(tested, "test", second))


def test_the_list_tells_the_part_and_not_the_folder(tmp_path: Path) -> None:
    entries = read(write(tmp_path / "a"), icfgpedes.LAYOUT)
    assert [(one.camera, one.test) for one in entries] == [("05", False), ("12", True)]


@pytest.mark.parametrize("tested", [0, 3102])
def test_ids_of_the_test_may_begin_anew_or_go_on(tmp_path: Path, tested: int) -> None:
    entries = read(write(tmp_path / "a", tested), icfgpedes.LAYOUT)
    assert [one.identity for one in entries] == ["train-0", f"test-{tested}"]


def test_a_picture_whose_name_tells_no_camera_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", 0, "train/0001/a.jpg", NAMES[1])
    with pytest.raises(InputError, match=r"'train/0001/a.jpg' must be named as .* is, or its camera is not known"):
        read(folder, icfgpedes.LAYOUT)


@pytest.mark.slow
def test_a_picture_has_its_one_caption(tmp_path: Path) -> None:
    pool = icfgpedes.load(write(tmp_path / "a", 3102), SMALL)
    assert pool.samples.texts == ("Person 0.", "Person 3102.")
    assert pool.samples.present["rgb"].all()
    assert pool.test == {"test-3102"}
    assert [search.name for search in icfgpedes.protocol(pool.samples)] == ["text to rgb"]
