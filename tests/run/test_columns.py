"""Columns: few bytes a value, and nothing lost."""

from dataclasses import dataclass

import pyarrow as pa
import pytest

from mlecs_ray.run.columns import BLOCK, Codes, Columns, Numbers
from mlecs_ray.run.rows import BY, EVENTS


@dataclass(frozen=True)
class Row:
    seconds: float
    by: dict[str, int]


def test_a_text_that_many_rows_share_is_kept_once() -> None:
    column = Codes(pa.string())
    column.extend([("image+" + "text" * (number % 2)).lower() for number in range(1000)])
    assert column.arrow().to_pylist()[:3] == ["image+", "image+text", "image+"]
    assert len({id(value) for value in column._rows()}) == 2


def test_what_was_truncated_leaves_no_value_behind() -> None:
    """Kinds are written with their dictionary: one that no row has would tell of rows that are gone."""
    column = Codes(EVENTS.field("kind").type)
    column.extend(["online", "lost", "online"])
    column.truncate(1)
    assert column.arrow().dictionary.to_pylist() == ["online"]
    column.extend(["merged"])
    assert column.arrow().to_pylist() == ["online", "merged"]


def test_bytes_by_modality_do_not_depend_on_the_order_in_which_they_were_told() -> None:
    column = Codes(BY)
    column.extend([{"image": 1, "audio": 2}, {"audio": 2, "image": 1}])
    assert column.arrow().to_pylist() == [[("audio", 2), ("image", 1)]] * 2


@pytest.mark.parametrize(
    ("kind", "values"), [(pa.int64(), [1, -1, 2**62]), (pa.int32(), [5, -7]), (pa.float64(), [0.1])]
)
def test_numbers_come_back_as_they_were(kind: pa.DataType, values: list[float]) -> None:
    column, again = Numbers(kind), Numbers(kind)
    column.extend(values)
    again.fill(column.arrow())
    assert again.arrow().to_pylist() == values
    assert again.arrow().type == kind


@pytest.mark.parametrize("rows", [0, 1, BLOCK, 2 * BLOCK + 3])
def test_rows_are_there_however_many_were_taken_apart_at_once(rows: int) -> None:
    columns = Columns(pa.schema({"seq": pa.int64(), "by": BY, "seconds": pa.float64()}))
    for number in range(rows):
        columns.append(Row(float(number), {"text": number % 2}))
    assert len(columns) == rows
    assert columns.table()["seconds"].to_pylist() == list(range(rows))
    columns.truncate(rows // 2)
    columns.append(Row(0.5, {}))
    assert len(columns) == rows // 2 + 1
    assert columns.table()["seconds"].to_pylist() == [*range(rows // 2), 0.5]


def test_a_row_is_taken_apart_by_name() -> None:
    columns = Columns(pa.schema({"seq": pa.int64(), "by": BY, "seconds": pa.float64()}))
    for seconds in (0.5, 1.5):
        columns.append(Row(seconds, {"text": 3}))
    assert columns.table().to_pylist()[1] == {"seq": 1, "by": [("text", 3)], "seconds": 1.5}
