"""RegDB, read from a small folder of the published layout."""

from pathlib import Path

import pytest

from mlecs_ray.data.reid import regdb
from mlecs_ray.errors import InputError
from tests.data.reid.written import SMALL, listing, numbered, searches, shuffled, sightings, told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Persons 1 and 5: trial 1 trains on 1, trial 10 on 5."""
    folder = tmp_path / "RegDB"
    for trial, train, test in ((1, 1, 5), (10, 5, 1)):
        for part, person in (("train", train), ("test", test)):
            numbered(folder, f"idx/{part}_visible_{trial}.txt", f"Visible/{person}/male_front_v_00007_{person}.bmp")
            numbered(folder, f"idx/{part}_thermal_{trial}.txt", f"Thermal/{person}/male_front_t_00007_{person}.bmp")
    return folder


def test_a_person_is_the_folder_and_not_the_label_which_begins_at_0_in_each_part(folder: Path) -> None:
    assert told(regdb.read(folder, 1), folder) == [
        ("1", "visible", "rgb", "Visible/1/male_front_v_00007_1.bmp", False),
        ("1", "thermal", "ir", "Thermal/1/male_front_t_00007_1.bmp", False),
        ("5", "visible", "rgb", "Visible/5/male_front_v_00007_5.bmp", True),
        ("5", "thermal", "ir", "Thermal/5/male_front_t_00007_5.bmp", True),
    ]


def test_each_trial_divides_anew(folder: Path) -> None:
    assert regdb.load(folder, size=SMALL).test == {"5"}
    assert regdb.load(folder, 10, SMALL).test == {"1"}


def test_pictures_are_288_by_144_unless_said_otherwise(folder: Path) -> None:
    samples = regdb.load(folder).samples
    assert samples.inputs["rgb"].shape == (4, 3, 288, 144)
    assert samples.inputs["ir"].shape == (4, 1, 288, 144)
    assert samples.present["ir"].tolist() == [False, True, False, True]


@pytest.mark.parametrize("trial", [0, 11, -1])
def test_a_trial_that_there_is_not_is_refused(folder: Path, trial: int) -> None:
    with pytest.raises(InputError, match=rf"trial={trial} must lie in 1\.\.10, or no list says who is trained on"):
        regdb.load(folder, trial)


def test_a_list_that_is_missing_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match=r"holds no idx/train_visible_2.txt, so it is no folder of regdb"):
        regdb.load(folder, 2)


def test_a_damaged_list_is_refused(folder: Path) -> None:
    listing(folder, "idx/test_thermal_1.txt", "Thermal/5/male_front_t_00007_5.bmp")
    with pytest.raises(InputError, match=r"test_thermal_1.txt row 0: .* must be a path and a number"):
        regdb.load(folder)


def test_a_picture_that_is_not_there_is_named(folder: Path) -> None:
    (folder / "Thermal/5/male_front_t_00007_5.bmp").unlink()
    with pytest.raises(InputError, match=r"test_thermal_1.txt row 0: names Thermal/5/male_front_t_00007_5.bmp, which"):
        regdb.load(folder)


def test_an_identity_in_both_parts_is_refused(folder: Path) -> None:
    numbered(folder, "idx/test_visible_1.txt", "Visible/1/male_front_v_00009_1.bmp")
    with pytest.raises(InputError, match="regdb has 1 both in its training part and in its test"):
        regdb.load(folder)


def test_all_of_one_camera_are_looked_for_among_all_of_the_other() -> None:
    seen = sightings(*[("1", "visible", "rgb"), ("1", "thermal", "ir")] * 2)
    mixed, order = shuffled(seen)
    expected = [("rgb to ir", "rgb", "ir", [0, 2], [1, 3]), ("ir to rgb", "ir", "rgb", [1, 3], [0, 2])]
    assert searches(regdb.protocol(seen), range(4)) == expected
    assert searches(regdb.protocol(mixed), order) == expected
