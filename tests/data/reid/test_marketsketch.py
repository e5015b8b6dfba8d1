"""Market-Sketch-1K, read from a small folder of the published layout."""

import shutil
from pathlib import Path

import pytest

from mlecs_ray.data.reid import marketsketch
from mlecs_ray.errors import InputError
from tests.data.reid.written import SMALL, photo, photos, searches, shuffled, sightings, told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Person 2 to train on, drawn by A and B, 7, whom nobody drew; 3 in the test, drawn by B; false detections."""
    return photos(
        tmp_path / "Market-Sketch-1K",
        [
            "photo/train/0002_c1s1_000451_03.jpg",
            "photo/train/0007_c3s3_077419_03.jpg",
            "photo/query/0003_c2s1_000001_00.jpg",
            "photo/query/0000_c4s1_000002_00.jpg",
            "photo/query/-1_c5s1_000003_00.jpg",
            "sketch/A/train/0002_A.jpg",
            "sketch/A/query/0003_A.jpg",
            "sketch/B/train/0002_B.jpg",
            "sketch/B/query/0003_B.jpg",
        ],
    )


def test_photos_have_cameras_and_sketches_artists(folder: Path) -> None:
    assert told(marketsketch.read(folder), folder) == [
        ("0002", "c1", "rgb", "photo/train/0002_c1s1_000451_03.jpg", False),
        ("0002", "A", "sketch", "sketch/A/train/0002_A.jpg", False),
        ("0002", "B", "sketch", "sketch/B/train/0002_B.jpg", False),
        ("-1", "c5", "rgb", "photo/query/-1_c5s1_000003_00.jpg", True),
        ("0000", "c4", "rgb", "photo/query/0000_c4s1_000002_00.jpg", True),
        ("0003", "c2", "rgb", "photo/query/0003_c2s1_000001_00.jpg", True),
        ("0003", "A", "sketch", "sketch/A/query/0003_A.jpg", True),
        ("0003", "B", "sketch", "sketch/B/query/0003_B.jpg", True),
    ]


def test_the_query_part_is_the_test_and_pictures_are_288_by_144(folder: Path) -> None:
    pool = marketsketch.load(folder)
    assert pool.test == {"-1", "0000", "0003"}
    assert pool.samples.inputs["sketch"].shape == (8, 1, 288, 144)
    assert pool.samples.inputs["rgb"].shape == (8, 3, 288, 144)


@pytest.mark.parametrize("lacking", ["photo/train", "photo/query", "sketch/A/train", "sketch/B/query"])
def test_a_folder_that_is_missing_is_named(folder: Path, lacking: str) -> None:
    shutil.rmtree(folder / lacking)
    with pytest.raises(InputError, match=f"holds no {lacking}, so it is no folder of marketsketch"):
        marketsketch.load(folder, SMALL)


def test_a_folder_without_any_sketch_is_refused(folder: Path) -> None:
    shutil.rmtree(folder / "sketch")
    with pytest.raises(InputError, match="holds no sketch/A/train, so it is no folder of marketsketch"):
        marketsketch.load(folder, SMALL)


@pytest.mark.parametrize("name", ["photo/query/0003.jpg", "photo/train/a_c1.jpg", "sketch/A/query/a.jpg"])
def test_a_name_that_tells_nobody_is_refused(folder: Path, name: str) -> None:
    photo(folder / name)
    with pytest.raises(InputError, match=f"{name} must be named by person, .* or nobody knows who it shows"):
        marketsketch.load(folder, SMALL)


def test_a_sketch_of_somebody_without_a_photo_is_refused(folder: Path) -> None:
    photo(folder / "sketch/A/query/0009_A.jpg")
    with pytest.raises(InputError, match=r"0009_A.jpg is of 0009, of whom photo/query has no photo, so nobody can be"):
        marketsketch.load(folder, SMALL)


def test_an_identity_in_both_parts_is_refused(folder: Path) -> None:
    photo(folder / "photo/query/0002_c1s1_000451_03.jpg")
    with pytest.raises(InputError, match="marketsketch has 0002 both in its training part and in its test"):
        marketsketch.load(folder, SMALL)


def test_every_sketch_is_looked_for_among_all_photos_for_all_artists_and_each() -> None:
    seen = sightings(
        ("3", "c1", "rgb"), ("3", "A", "sketch"), ("3", "B", "sketch"), ("0", "c2", "rgb"), ("4", "A", "sketch")
    )
    mixed, order = shuffled(seen)
    expected = [
        ("sketch to rgb", "sketch", "rgb", [1, 2, 4], [0, 3]),
        ("sketch by A to rgb", "sketch", "rgb", [1, 4], [0, 3]),
        ("sketch by B to rgb", "sketch", "rgb", [2], [0, 3]),
    ]
    assert searches(marketsketch.protocol(seen), range(5)) == expected
    assert searches(marketsketch.protocol(mixed), order) == expected
