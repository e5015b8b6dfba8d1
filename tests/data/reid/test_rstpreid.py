"""RSTPReid, read from a small folder of the published layout."""

from pathlib import Path
from typing import Any

import pytest

from mlecs_ray.data.reid import rstpreid
from mlecs_ray.data.reid.captioned import read
from mlecs_ray.errors import InputError
from tests.data.reid.written import SMALL, captioned


def entry(identity: int, split: str, path: str) -> dict[str, Any]:
    return {"id": identity, "split": split, "captions": [f"Person {identity}.", "Tall."], "img_path": path}


def write(folder: Path, tested: int = 3901, name: str = "3901_c5_0022.jpg") -> Path:
    return captioned(
        folder,
        "data_captions.json",
        "img_path",
        entry(0, "train", "0000_c14_0031.jpg"),
        entry(3701, "val", "3701_c1_0004.jpg"),
        entry(tested, "test", name),
    )


def test_the_camera_is_in_the_name(tmp_path: Path) -> None:
    entries = read(write(tmp_path / "a"), rstpreid.LAYOUT)
    assert [(one.identity, one.camera, one.test) for one in entries] == [
        ("0", "c14", False),
        ("3701", "c1", False),
        ("3901", "c5", True),
    ]


def test_a_name_without_camera_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"entry 2: '3901.jpg' must be named as 0000_c14_0031.jpg is, or its camera"):
        read(write(tmp_path / "a", name="3901.jpg"), rstpreid.LAYOUT)


def test_an_identity_in_both_parts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="rstpreid has 3701 both in its training part and in its test"):
        rstpreid.load(write(tmp_path / "a", tested=3701), SMALL)


@pytest.mark.slow
def test_a_picture_has_two_captions(tmp_path: Path) -> None:
    pool = rstpreid.load(write(tmp_path / "a"), SMALL)
    assert pool.samples.present["rgb"].tolist() == [True, False] * 3
    assert pool.samples.domains == ("c14", "c14", "c1", "c1", "c5", "c5")
    assert pool.test == {"3901"}
