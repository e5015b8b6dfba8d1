"""SYSU-MM01, read from a small folder of the published layout."""

from pathlib import Path

import pytest

from mlecs_ray.data.reid import sysumm01
from mlecs_ray.errors import InputError
from tests.data.reid.written import SMALL, listing, photos, searches, shuffled, sightings, told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Person 1 before all cameras, 20 before an indoor one and its infrared, 333 before two."""
    paths = [f"cam{camera}/0001/0001.jpg" for camera in range(1, 7)]
    paths += ["cam2/0020/0001.jpg", "cam2/0020/0002.jpg", "cam3/0020/0001.jpg"]
    paths += ["cam6/0333/0001.jpg", "cam5/0333/0007.jpg", "cam5/0444/0001.jpg"]
    folder = photos(tmp_path / "SYSU-MM01", paths)
    for part, people in (("train", "1"), ("val", "20"), ("test", "333")):
        listing(folder, f"exp/{part}_id.txt", people)
    return folder


def test_cameras_3_and_6_are_infrared_and_3_stands_where_2_does(folder: Path) -> None:
    assert told(sysumm01.read(folder), folder) == [
        ("0001", "c1", "rgb", "cam1/0001/0001.jpg", False),
        ("0001", "c2", "rgb", "cam2/0001/0001.jpg", False),
        ("0001", "c3@c2", "ir", "cam3/0001/0001.jpg", False),
        ("0001", "c4", "rgb", "cam4/0001/0001.jpg", False),
        ("0001", "c5", "rgb", "cam5/0001/0001.jpg", False),
        ("0001", "c6", "ir", "cam6/0001/0001.jpg", False),
        ("0020", "c2", "rgb", "cam2/0020/0001.jpg", False),
        ("0020", "c2", "rgb", "cam2/0020/0002.jpg", False),
        ("0020", "c3@c2", "ir", "cam3/0020/0001.jpg", False),
        ("0333", "c5", "rgb", "cam5/0333/0007.jpg", True),
        ("0333", "c6", "ir", "cam6/0333/0001.jpg", True),
    ]


def test_who_is_in_no_list_is_left_out_and_validation_is_trained_on(folder: Path) -> None:
    pool = sysumm01.load(folder, SMALL)
    assert pool.classes == ("0001", "0020", "0333")
    assert pool.test == {"0333"}
    assert pool.samples.inputs["ir"].shape == (11, 1, 8, 8)
    assert int(pool.samples.present["ir"].sum()) == 4


def test_pictures_are_288_by_144_unless_said_otherwise(folder: Path) -> None:
    assert sysumm01.load(folder).samples.inputs["rgb"].shape == (11, 3, 288, 144)


@pytest.mark.parametrize("lacking", ["exp/train_id.txt", "exp/val_id.txt", "exp/test_id.txt"])
def test_a_list_that_is_missing_is_named(folder: Path, lacking: str) -> None:
    (folder / lacking).unlink()
    with pytest.raises(InputError, match=f"holds no {lacking}, so it is no folder of sysumm01"):
        sysumm01.load(folder, SMALL)


def test_a_damaged_list_is_refused(folder: Path) -> None:
    listing(folder, "exp/val_id.txt", "20,x2")
    with pytest.raises(InputError, match=r"val_id.txt has 'x2', must have numbers of people"):
        sysumm01.load(folder, SMALL)


def test_somebody_without_a_picture_is_refused(folder: Path) -> None:
    listing(folder, "exp/test_id.txt", "333,5")
    with pytest.raises(InputError, match=r"test_id.txt names 0005, of whom no camera has a picture .*so a part of the"):
        sysumm01.load(folder, SMALL)


def test_an_identity_in_both_parts_is_refused(folder: Path) -> None:
    listing(folder, "exp/test_id.txt", "333,20")
    with pytest.raises(InputError, match="sysumm01 has 0020 both in its training part and in its test"):
        sysumm01.load(folder, SMALL)


# Twelve pictures by camera 1, one each by the other cameras, all of one person.
SEEN = sightings(
    *[("1", "c1", "rgb")] * 12,
    *[("1", camera, "rgb") for camera in ("c2", "c4", "c5")],
    ("1", "c3@c2", "ir"),
    ("1", "c6", "ir"),
)


def test_infrared_is_looked_for_in_one_or_ten_pictures_by_each_camera_for_colour() -> None:
    found = {(one.name, len(one.gallery)) for one in sysumm01.protocol(SEEN)}
    assert found == {
        ("all-search, single-shot", 4),
        ("all-search, multi-shot", 13),
        ("indoor-search, single-shot", 2),
        ("indoor-search, multi-shot", 11),
    }
    for one in sysumm01.protocol(SEEN):
        assert (one.asked, one.searched, one.queries.tolist()) == ("ir", "rgb", [15, 16])
        assert set(one.gallery.tolist()) - set(range(12)) == ({12, 13, 14} if "all" in one.name else {12})


def test_there_are_ten_trials_of_each_name_that_differ() -> None:
    names = [one.name for one in sysumm01.protocol(SEEN)]
    assert [names.count(name) for name in dict.fromkeys(names)] == [10] * 4
    drawn = {tuple(one.gallery) for one in sysumm01.protocol(SEEN) if one.name == "all-search, single-shot"}
    assert len(drawn) > 1


def test_the_order_of_the_samples_says_nothing() -> None:
    mixed, order = shuffled(SEEN)
    expected = searches(sysumm01.protocol(SEEN), range(len(SEEN)))
    assert searches(sysumm01.protocol(mixed), order) == expected
