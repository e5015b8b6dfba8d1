"""Lists of people and of pictures, and data in two parts."""

from pathlib import Path

import pytest

from mlecs_ray.data.reid.published import needed, people, pictures, pooled
from mlecs_ray.data.reid.views import Row
from mlecs_ray.errors import InputError
from tests.data.reid.written import SMALL, listing, numbered, photo


def test_what_is_needed_and_lacking_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    needed(tmp_path, "x", "a")
    with pytest.raises(InputError, match=r"holds no b, so it is no folder of x; docs/data.md draws one"):
        needed(tmp_path, "x", "a", "b")


def test_people_are_numbers_of_four_digits(tmp_path: Path) -> None:
    listing(tmp_path, "ids.txt", "1,20, 333")
    assert people(tmp_path / "ids.txt") == ("0001", "0020", "0333")


@pytest.mark.parametrize(("line", "words"), [("1,two", "has 'two'"), ("", "has 'nothing'"), ("-1", "has '-1'")])
def test_a_list_of_people_without_numbers_is_refused(tmp_path: Path, line: str, words: str) -> None:
    listing(tmp_path, "ids.txt", line)
    with pytest.raises(
        InputError, match=f"ids.txt {words}, must have numbers of people with commas between, or nobody"
    ):
        people(tmp_path / "ids.txt")


def test_a_damaged_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_bytes(b"1,\xff\xfe")
    with pytest.raises(InputError, match=r"ids.txt cannot be read as text"):
        people(tmp_path / "ids.txt")


def test_pictures_are_in_the_order_of_their_list(tmp_path: Path) -> None:
    numbered(tmp_path, "list.txt", "b/2 1.jpg", "a/1.jpg")
    assert pictures(tmp_path, "list.txt") == (tmp_path / "b/2 1.jpg", tmp_path / "a/1.jpg")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a/2.jpg 1", "names a/2.jpg, which .* does not hold, so a picture of its part is lacking"),
        ("a/1.jpg", "'a/1.jpg' must be a path and a number, or nobody knows which picture is meant"),
        ("a/1.jpg x", "'a/1.jpg x' must be a path and a number"),
    ],
)
def test_a_row_that_names_no_picture_is_refused(tmp_path: Path, line: str, words: str) -> None:
    photo(tmp_path / "a/1.jpg")
    listing(tmp_path, "list.txt", "a/1.jpg 0", line)
    with pytest.raises(InputError, match=f"list.txt row 1: {words}"):
        pictures(tmp_path, "list.txt")


def test_test_identities_are_kept_for_the_test(tmp_path: Path) -> None:
    file = photo(tmp_path / "a.jpg")
    rows = [Row("1", "c", {"rgb": file}), Row("2", "c", {"rgb": file}, test=True)]
    assert pooled("x", rows, SMALL).test == {"2"}


@pytest.mark.parametrize(
    ("tested", "words"),
    [
        ({"1": False, "2": False}, "x has nobody in its test, so there is nothing to test on"),
        ({"1": True, "2": True}, "x has nobody in its training part, so there is nothing to learn from"),
    ],
)
def test_data_in_one_part_is_refused(tmp_path: Path, tested: dict[str, bool], words: str) -> None:
    rows = [Row(identity, "c", {"rgb": tmp_path / "none"}, test) for identity, test in tested.items()]
    with pytest.raises(InputError, match=words):
        pooled("x", rows, SMALL)
