"""CUHK-PEDES, read from a small folder of the published layout."""

from pathlib import Path
from typing import Any

import pytest

from mlecs_ray.data.reid import cuhkpedes
from mlecs_ray.data.reid.captioned import read
from mlecs_ray.errors import InputError
from tests.data.reid.written import SMALL, captioned


def entry(identity: int, split: str, path: str, *captions: str) -> dict[str, Any]:
    return {"id": identity, "split": split, "captions": captions, "file_path": path, "processed_tokens": []}


def write(folder: Path, tested: int = 12004) -> Path:
    return captioned(
        folder,
        "reid_raw.json",
        "file_path",
        entry(1, "train", "CUHK01/0363004.png", "A man.", "He has a hat.", "He walks."),
        entry(11004, "val", "Market/0002_c1s1_000451_03.jpg", "A woman.", "She has a bag."),
        entry(tested, "test", "test_query/p1_s1.jpg", "A boy.", "He runs."),
    )


def test_the_folder_stands_for_the_camera(tmp_path: Path) -> None:
    entries = read(write(tmp_path / "a"), cuhkpedes.LAYOUT)
    assert [(one.identity, one.camera, one.test) for one in entries] == [
        ("1", "CUHK01", False),
        ("11004", "Market", False),
        ("12004", "test_query", True),
    ]


def test_an_identity_in_both_parts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="cuhkpedes has 1 both in its training part and in its test, so the test would"
    ):
        cuhkpedes.load(write(tmp_path / "a", tested=1), SMALL)


@pytest.mark.slow
def test_the_first_caption_is_with_the_picture_and_each_further_one_by_itself(tmp_path: Path) -> None:
    pool = cuhkpedes.load(write(tmp_path / "a"), SMALL)
    samples = pool.samples
    assert samples.texts == ("A man.", "He has a hat.", "He walks.", "A woman.", "She has a bag.", "A boy.", "He runs.")
    assert samples.present["rgb"].tolist() == [True, False, False, True, False, True, False]
    assert samples.present["text"].all()
    assert samples.inputs["rgb"].shape == (7, 3, 8, 8)
    assert samples.ids == ("1",) * 3 + ("11004",) * 2 + ("12004",) * 2
    assert pool.test == {"12004"}
    test = samples.take([5, 6])
    [search] = cuhkpedes.protocol(test)
    assert (search.queries.tolist(), search.gallery.tolist()) == ([0, 1], [0])


@pytest.mark.slow
def test_pictures_are_384_by_128_unless_said_otherwise(tmp_path: Path) -> None:
    assert cuhkpedes.load(write(tmp_path / "a")).samples.inputs["rgb"].shape == (7, 3, 384, 128)
