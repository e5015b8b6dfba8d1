"""What is wrong with a user's folder, row and column named."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlecs_ray.data.inspection import check

GOOD: dict[str, Any] = {
    "id": ["a", "b", "c"],
    "split": ["train", "public", "test"],
    "label": [0, 1, 0],
    "text": ["x", "y", "z"],
    "image": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
    "speech": [[1.0], None, None],
}


def _check(folder: Path, **changes: Any) -> list[str]:
    columns = {name: values for name, values in {**GOOD, **changes}.items() if values is not None}
    pq.write_table(pa.table(columns), folder / "a.parquet")
    return [str(problem).replace(str(folder), "DIR") for problem in check(folder)]


def test_good_data_has_no_problem(tmp_path: Path) -> None:
    assert _check(tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"id": None}, "a.parquet column 'id': the column is missing, so samples cannot be told apart or split"),
        ({"image": None, "speech": None}, "a.parquet: no modality column (list<float>) is there"),
        ({"label": ["x", "y", "z"]}, "a.parquet column 'label': type string must be integer"),
        ({"label": [0, -2, 0]}, "a.parquet row 1 column 'label': must be 0 or more"),
        (
            {"label": [0, 10**9, 0]},
            "a.parquet row 1 column 'label': 1000000000 must be less than 3, the number of rows in all files, as",
        ),
        ({"label": [0, 0, 3]}, "a.parquet row 2 column 'label': 3 must be less than 3"),
        ({"label": pa.array([0, 2**64 - 1, 0], pa.uint64())}, f"a.parquet row 1 column 'label': {2**64 - 1} must be"),
        ({"label": [0, None, 0]}, "a.parquet row 1 column 'label': null must be a value"),
        ({"image": [1.0, 2.0, 3.0]}, "a.parquet column 'image': type double must be list<float>"),
        ({"image": [[1], [2], [3]]}, "a.parquet column 'image': type list<element: int64> must be list<float>"),
        ({"im/age": [[1.0], [2.0], [3.0]]}, "a.parquet column 'im/age': a modality's name must be letters"),
        ({"image": [[1.0, 2.0], [3.0], [5.0, 6.0]]}, "a.parquet row 1 column 'image': must hold 2 numbers"),
        ({"image": [[1.0, 2.0], [], [5.0, 6.0]]}, "a.parquet row 1 column 'image': must hold 2 numbers"),
        ({"image": [[1.0, float("nan")], None, None]}, "a.parquet row 0 column 'image': NaN, infinity or null inside"),
        ({"image": [None, [1.0, float("inf")], [1.0, 1.0]]}, "a.parquet row 1 column 'image': NaN, infinity or null"),
        ({"image": [[1.0, 2.0], [1.0, None], [1.0, 1.0]]}, "a.parquet row 1 column 'image': NaN, infinity or null"),
        ({"image": [[1.0, 2.0], [1e300, 1.0], [1.0, 1.0]]}, "a.parquet row 1 column 'image': NaN, infinity or null"),
        ({"image": [[1.0], None, [2.0]]}, "a.parquet row 1: every modality is null, so there is nothing to learn from"),
        ({"id": ["a", "b", "a"]}, "a.parquet row 2 column 'id': 'a' is in test and in train"),
        ({"split": ["train", "dev", "test"]}, "a.parquet row 1 column 'split': must be one of train, public, test"),
        ({"split": ["train", None, "test"]}, "a.parquet row 1 column 'split': null must be a value"),
        (
            {"split": ["train", "train", "train"]},
            "DIR column 'split': no row is in test, so there is nothing to measure",
        ),
        ({"split": ["test", "test", "test"]}, "DIR column 'split': no row is in train, so there is nothing to learn"),
        ({"text": ["a", None, "b"]}, "a.parquet row 1 column 'text': null must be a value"),
        ({"text": ["a", "b", " \t"]}, "a.parquet row 2 column 'text': must say something"),
        ({"client": [None, "k", "k"]}, "a.parquet row 0 column 'client': null must be a value"),
    ],
)
def test_each_problem_is_found_where_it_is(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    found = _check(tmp_path, **changes)
    assert any(text.startswith(problem) for text in found), found


def test_rows_outside_train_need_no_client(tmp_path: Path) -> None:
    assert _check(tmp_path, client=["k", None, None]) == []


def test_one_id_may_name_several_rows_of_one_split(tmp_path: Path) -> None:
    assert _check(tmp_path, id=["a", "b", "b"], split=["train", "test", "test"]) == []


def test_all_problems_are_listed_but_not_a_million_of_one_kind(tmp_path: Path) -> None:
    n = 100
    columns = {"id": [str(i) for i in range(n)], "split": ["train", "test"] * 50, "x": [[float("nan")]] * n}
    pq.write_table(pa.table({**columns, "label": [-1] * n}), tmp_path / "a.parquet")
    problems = check(tmp_path)
    assert [problem.column for problem in problems] == ["label"] * 20 + ["x"] * 20


def test_a_corrupt_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 this is no Parquet")
    assert [(p.file, p.rule.split(" (")[0]) for p in check(tmp_path)] == [
        ("bad.parquet", "not a readable Parquet file")
    ]


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    _check(tmp_path)
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[: len(whole) // 2])
    assert [p.file for p in check(tmp_path)] == ["a.parquet"]


def test_a_folder_without_parquet_files_is_named(tmp_path: Path) -> None:
    assert "no *.parquet file is there" in str(check(tmp_path)[0])
    assert "no *.parquet file is there" in str(check(tmp_path / "none")[0])


def test_rows_share_one_width_across_files(tmp_path: Path) -> None:
    _check(tmp_path)
    other = {"id": ["d"], "split": ["train"], "label": [0], "text": ["w"], "image": [[1.0]]}
    pq.write_table(pa.table(other), tmp_path / "b.parquet")
    assert [str(p) for p in check(tmp_path)] == [
        "b.parquet row 0 column 'image': must hold 2 numbers like the first, as all rows share one width"
    ]


def test_a_label_may_be_as_large_as_the_rows_of_all_files_allow(tmp_path: Path) -> None:
    other = {"id": ["d"], "split": ["train"], "label": [3], "text": ["w"], "image": [[1.0, 1.0]]}
    pq.write_table(pa.table(other), tmp_path / "b.parquet")
    assert _check(tmp_path, label=pa.array([0, 1, 2], pa.int8())) == []


def test_an_id_in_two_splits_is_found_across_files(tmp_path: Path) -> None:
    _check(tmp_path)
    other = {"id": ["a"], "split": ["test"], "label": [0], "text": ["w"], "image": [[1.0, 1.0]]}
    pq.write_table(pa.table(other), tmp_path / "b.parquet")
    assert [(p.file, p.row, p.column) for p in check(tmp_path)] == [("b.parquet", 0, "id")]
