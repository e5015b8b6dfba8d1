"""LLCM, read from a small folder of the published layout."""

from pathlib import Path

import pytest

from mlecs_ray.data.reid import llcm
from mlecs_ray.errors import InputError
from tests.data.reid.written import SMALL, listing, numbered, searches, shuffled, sightings, told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "LLCM"
    numbered(folder, "idx/train_vis.txt", "vis/0001/0001_c03_s185535_f7010_vis.jpg")
    numbered(folder, "idx/train_nir.txt", "nir/0001/0001_c01_s185535_f7010_nir.jpg")
    numbered(folder, "idx/test_vis.txt", "vis/0351/0351_c06_s200656_f4830_vis.jpg")
    numbered(folder, "idx/test_nir.txt", "nir/0351/0351_c06_s200656_f4830_nir.jpg")
    return folder


def test_the_name_tells_the_camera_and_the_folder_the_person(folder: Path) -> None:
    assert told(llcm.read(folder), folder) == [
        ("0001", "c03", "rgb", "vis/0001/0001_c03_s185535_f7010_vis.jpg", False),
        ("0001", "c01", "ir", "nir/0001/0001_c01_s185535_f7010_nir.jpg", False),
        ("0351", "c06", "rgb", "vis/0351/0351_c06_s200656_f4830_vis.jpg", True),
        ("0351", "c06", "ir", "nir/0351/0351_c06_s200656_f4830_nir.jpg", True),
    ]


def test_the_listed_test_is_the_test_and_pictures_are_288_by_144(folder: Path) -> None:
    assert llcm.load(folder, SMALL).test == {"0351"}
    assert llcm.load(folder).samples.inputs["rgb"].shape == (4, 3, 288, 144)


@pytest.mark.parametrize("lacking", ["train_vis", "train_nir", "test_vis", "test_nir"])
def test_a_list_that_is_missing_is_named(folder: Path, lacking: str) -> None:
    (folder / f"idx/{lacking}.txt").unlink()
    with pytest.raises(InputError, match=f"holds no idx/{lacking}.txt, so it is no folder of llcm"):
        llcm.load(folder)


def test_a_damaged_list_is_refused(folder: Path) -> None:
    (folder / "idx/train_nir.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"train_nir.txt cannot be read as text"):
        llcm.load(folder)


def test_a_picture_that_is_not_there_is_named(folder: Path) -> None:
    (folder / "vis/0351/0351_c06_s200656_f4830_vis.jpg").unlink()
    with pytest.raises(InputError, match=r"test_vis.txt row 0: names vis/0351/0351_c06_s200656_f4830_vis.jpg, which"):
        llcm.load(folder)


def test_a_name_without_camera_is_refused(folder: Path) -> None:
    numbered(folder, "idx/test_vis.txt", "vis/0351/0351.jpg")
    with pytest.raises(InputError, match=r"0351.jpg must be named as .* is, or nobody knows which camera saw it"):
        llcm.load(folder)


def test_an_identity_in_both_parts_is_refused(folder: Path) -> None:
    listing(folder, "idx/test_nir.txt", "nir/0001/0001_c01_s185535_f7010_nir.jpg 0")
    with pytest.raises(InputError, match="llcm has 0001 both in its training part and in its test"):
        llcm.load(folder)


# Three visible and two infrared pictures by camera 1, then one of each by camera 2.
SEEN = sightings(*[("1", "c01", "rgb")] * 3, *[("1", "c01", "ir")] * 2, ("1", "c02", "rgb"), ("1", "c02", "ir"))


def test_the_gallery_has_a_picture_of_each_identity_by_each_camera_both_ways() -> None:
    for one in llcm.protocol(SEEN):
        first, second = one.gallery.tolist()
        if one.name == "ir to rgb":
            assert one.queries.tolist() == [3, 4, 6]
            assert (first in {0, 1, 2}, second) == (True, 5)
        else:
            assert one.name == "rgb to ir"
            assert one.queries.tolist() == [0, 1, 2, 5]
            assert (first in {3, 4}, second) == (True, 6)


def test_there_are_ten_trials_each_way_that_differ() -> None:
    names = [one.name for one in llcm.protocol(SEEN)]
    assert (names.count("ir to rgb"), names.count("rgb to ir")) == (10, 10)
    assert len({tuple(one.gallery) for one in llcm.protocol(SEEN)}) > 2


def test_the_order_of_the_samples_says_nothing() -> None:
    mixed, order = shuffled(SEEN)
    assert searches(llcm.protocol(mixed), order) == searches(llcm.protocol(SEEN), range(len(SEEN)))
