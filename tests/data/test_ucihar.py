"""UCI-HAR's files, with two windows of each of a few people."""

from pathlib import Path

import pytest

from mlecs_ray.data import ucihar
from mlecs_ray.data.pool import Split, divide
from mlecs_ray.errors import InputError
from tests.data.published import write_ucihar

pytestmark = pytest.mark.usefixtures("own_cache")


def test_windows_have_their_features_activity_and_subject(tmp_path: Path) -> None:
    """The third window is the first of subject 3: features 0.03, label 1, which is WALKING."""
    pool = ucihar.load(write_ucihar(tmp_path / "a"))
    assert pool.samples.inputs["motion"].shape == (12, 561)
    assert pool.samples.inputs["motion"][2].tolist() == pytest.approx([0.03] * 561)
    assert pool.samples.labels is not None
    assert pool.classes[pool.samples.labels[2]] == "WALKING"
    assert pool.samples.ids[2] == pool.samples.domains[2] == "subject-03"


def test_the_given_subjects_are_the_test(tmp_path: Path) -> None:
    data = divide(ucihar.load(write_ucihar(tmp_path / "a")), Split(public=0.25, test=0.5), 1)
    assert set(data.test.ids) == {"subject-02", "subject-04"}
    assert (len(data.train), len(data.public)) == (6, 2)


def test_files_that_change_are_read_anew(tmp_path: Path) -> None:
    ucihar.load(write_ucihar(tmp_path / "a"))
    table = tmp_path / "a" / "train" / "X_train.txt"
    table.write_text(table.read_text().replace("1.0000000e-02", "5.00000000e-01"))
    assert float(ucihar.load(tmp_path / "a").samples.inputs["motion"][0, 0]) == 0.5


@pytest.mark.parametrize("name", ["activity_labels.txt", "train/X_train.txt", "test/subject_test.txt"])
def test_a_file_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    (write_ucihar(tmp_path / "a") / name).unlink()
    with pytest.raises(InputError, match=f"holds no {name}, so it is no folder of ucihar"):
        ucihar.load(tmp_path / "a")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("train/X_train.txt", "0.1 0.2\n0.3 0.4\n", "X_train.txt has 2 columns, must have 561"),
        ("train/X_train.txt", "0.1 0.2\n0.3\n", "X_train.txt cannot be read as rows of numbers"),
        ("train/X_train.txt", " ".join(["nan"] * 561), "all of them finite numbers"),
        ("train/y_train.txt", "1 2\n" * 8, "y_train.txt has 2 columns, must have 1"),
        ("train/y_train.txt", "1\n2\n", "8 windows .*, 2 labels .* and 8 subjects"),
        ("train/y_train.txt", "7\n" * 8, "label 7 is none of activity_labels.txt"),
        ("test/subject_test.txt", "1\n" * 4, "has subject-01 both in its training part and in its test"),
        ("activity_labels.txt", "WALKING\n", "must have a number and a name in each row"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, name: str, text: str, words: str) -> None:
    (write_ucihar(tmp_path / "a") / name).write_text(text)
    with pytest.raises(InputError, match=words):
        ucihar.load(tmp_path / "a")
