"""Lists of pictures with captions, as three data sets publish them."""

import json
from pathlib import Path
from typing import Any

import pytest

from mlecs_ray.data.reid import captioned, cuhkpedes, icfgpedes, rstpreid
from mlecs_ray.data.reid.captioned import Layout
from mlecs_ray.errors import InputError
from tests.data.reid.written import SMALL, searches, shuffled, sightings
from tests.data.reid.written import captioned as write

LAYOUTS = [cuhkpedes.LAYOUT, icfgpedes.LAYOUT, rstpreid.LAYOUT]
every = pytest.mark.parametrize("layout", LAYOUTS, ids=[layout.name for layout in LAYOUTS])


def entry(layout: Layout, **other: Any) -> dict[str, Any]:
    return {"id": 7, "split": "train", "captions": ["A man."], layout.path: layout.example, **other}


def relist(folder: Path, layout: Layout, *entries: Any) -> None:
    (folder / layout.file).write_text(json.dumps(entries))


@pytest.fixture
def folder(tmp_path: Path, layout: Layout) -> Path:
    return write(tmp_path / "data", layout.file, layout.path, entry(layout))


@every
def test_an_entry_has_its_picture_and_its_captions_without_stray_blanks(folder: Path, layout: Layout) -> None:
    relist(folder, layout, entry(layout, captions=[" A  man.\n", "", "He runs."], split="Test", processed_tokens=[]))
    [one] = captioned.read(folder, layout)
    assert one.picture == folder / "imgs" / layout.example
    assert one.captions == ("A man.", "He runs.")
    assert one.test


@every
def test_validation_is_trained_on(folder: Path, layout: Layout) -> None:
    relist(folder, layout, entry(layout, split="val"))
    assert [one.test for one in captioned.read(folder, layout)] == [False]


@every
def test_a_folder_without_list_or_pictures_is_refused(folder: Path, layout: Layout) -> None:
    (folder / layout.file).unlink()
    with pytest.raises(InputError, match=f"holds no {layout.file}, so it is no folder of {layout.name}"):
        captioned.read(folder, layout)
    relist(folder, layout)
    (folder / "imgs").rename(folder / "pictures")
    with pytest.raises(InputError, match="holds no imgs"):
        captioned.read(folder, layout)


@every
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read as JSON"),
        ('[{"id": 7', "cannot be read as JSON"),
        ('{"id": 7}', "must be a list of pictures, not a JSON dict, or nobody is in it"),
        ('[{"id": 7}]', r"entry 0: must have id, split, captions \(a list\) and .*_path, or nobody knows"),
        ("[7]", "entry 0: must have id"),
    ],
)
def test_a_damaged_list_is_refused(folder: Path, layout: Layout, text: str, words: str) -> None:
    (folder / layout.file).write_text(text)
    with pytest.raises(InputError, match=f"{layout.file} {words}"):
        captioned.read(folder, layout)


@every
@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"split": "exam"}, "split 'exam' must be one of train, val, test, or it is in no part"),
        ({"captions": "A man."}, "must have id, split, captions"),
        ({"captions": ["A man.", 3]}, "caption 3 must be a sentence, or it describes nobody"),
        ({"id": None}, "must have id, split, captions"),
    ],
)
def test_an_entry_of_another_kind_is_refused(folder: Path, layout: Layout, other: dict[str, Any], words: str) -> None:
    relist(folder, layout, entry(layout), entry(layout, **other))
    with pytest.raises(InputError, match=f"{layout.file} entry 1: {words}"):
        captioned.read(folder, layout)


@every
def test_a_picture_that_is_not_there_is_named(folder: Path, layout: Layout) -> None:
    (folder / "imgs" / layout.example).unlink()
    with pytest.raises(
        InputError, match=f"entry 0: names {layout.example}, which .*imgs does not hold, so its caption"
    ):
        captioned.read(folder, layout)


@every
def test_a_picture_in_both_parts_is_refused(folder: Path, layout: Layout) -> None:
    relist(folder, layout, entry(layout), entry(layout, id=8, split="test"))
    with pytest.raises(
        InputError, match=f"{layout.file} has .* both in its training part and in its test, so the test"
    ):
        captioned.read(folder, layout)


@every
def test_data_without_a_test_is_refused_before_any_picture_is_read(folder: Path, layout: Layout) -> None:
    (folder / "imgs" / layout.example).write_text("no picture")
    with pytest.raises(InputError, match=f"{layout.name} has nobody in its test"):
        captioned.load(folder, layout, SMALL)


def test_every_caption_is_looked_for_among_all_pictures() -> None:
    """Rows 0 and 2 are pictures, 1 and 3 captions."""
    seen = sightings(("1", "a", "rgb"), ("1", "a", "text"), ("2", "a", "rgb"), ("2", "b", "text"))
    mixed, order = shuffled(seen)
    expected = [("text to rgb", "text", "rgb", [1, 3], [0, 2])]
    assert searches(captioned.protocol(seen), range(4)) == expected
    assert searches(captioned.protocol(mixed), order) == expected
