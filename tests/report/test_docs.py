"""The code in docs/records.md runs, and its tables name every column."""

import re
from pathlib import Path
from typing import get_args

from mlecs_ray.report.panel import OUTCOMES
from mlecs_ray.run.rows import SCHEMAS
from mlecs_ray.server.journal import Kind, Outcome
from tests.report.synthetic import write_run

TEXT = (Path(__file__).parents[2] / "docs" / "records.md").read_text()


def test_the_pandas_examples_run(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(code, {"run": write_run(tmp_path, clients=4)})


def test_every_column_is_explained_with_its_type() -> None:
    for name, schema in SCHEMAS.items():
        section = TEXT.split(f"## {name}.parquet")[1].split("\n## ")[0]
        rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]
        types = {column: row[1] for row in rows for column in re.findall(r"`(\w+)`", row[0])}
        for field in schema:
            wanted = str(field.type).replace("double", "float64")
            wanted = "string (dictionary)" if "dictionary" in wanted else wanted
            assert types[field.name] == wanted, field.name


def test_every_kind_of_event_and_every_outcome_is_explained_and_has_a_colour() -> None:
    kinds, ends = get_args(Kind), get_args(Outcome)
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT.split("| kind | what happened")[1].split("\n## ")[0], re.M)) == set(
        kinds
    )
    (row,) = re.findall(r"^\| `outcome` .*$", TEXT, re.M)
    assert set(re.findall(r"`(\w+)`", row)) == {"outcome", *ends}
    assert set(OUTCOMES) == set(ends)
