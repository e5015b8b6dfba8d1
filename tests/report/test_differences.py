"""What is different between runs is told, and what is alike is not."""

from pathlib import Path
from typing import Any

from mlecs_ray.report.differences import differences
from mlecs_ray.run.records import Recorder, Run, read_run, write_manifest

BASE: dict[str, Any] = {"name": "a", "seed": 0, "method": {"name": "fedavg", "options": {}}, "merges": None}


def run(folder: Path, **scenario: Any) -> Run:
    Recorder().write(folder)
    write_manifest(folder, {"name": "a", "scenario": {**BASE, **scenario}})
    return read_run(folder)


def test_the_method_and_every_key_that_differs_have_a_row(tmp_path: Path) -> None:
    one = run(tmp_path / "one", name="b", merges=3)
    other = run(tmp_path / "other", method={"name": "eclm", "options": {"without": ["local", "cloud"]}})
    (table,) = differences({"one": one, "other": other})
    assert table.header == ("", "one", "other")
    assert table.rows == (
        ("method.name", "fedavg", "eclm"),
        ("merges", "3", "none"),
        ("method.options.without", "-", "local, cloud"),
    )


def test_runs_of_one_scenario_have_their_method_alone(tmp_path: Path) -> None:
    (table,) = differences({"one": run(tmp_path / "one"), "other": run(tmp_path / "other")})
    assert table.rows == (("method.name", "fedavg", "fedavg"),)


def test_of_many_keys_the_first_are_told_and_the_others_counted(tmp_path: Path) -> None:
    many = {f"key{place}": True for place in range(25)}
    (table,) = differences({"one": run(tmp_path / "one", **many), "other": run(tmp_path / "other")})
    assert table.rows[1] == ("key0", "true", "-")
    assert table.rows[-1] == ("and 6 other keys", "", "")


def test_runs_that_tell_no_scenario_have_no_table(tmp_path: Path) -> None:
    Recorder().write(tmp_path)
    write_manifest(tmp_path, {"name": "a"})
    assert differences({"one": read_run(tmp_path), "other": read_run(tmp_path)}) == []
