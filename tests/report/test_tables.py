"""Tables for people: as they are, or turned where a place is narrow."""

from pathlib import Path

from mlecs_ray.report.tables import Table, quality, summary
from mlecs_ray.run.records import MetricRow, Recorder, Run, Scope, read_run, write_manifest

TABLE = Table("Cost", ("variant", "jobs", "lost"), (("a", "10", "1"), ("b", "20", "2")))


def test_a_table_can_be_turned_and_turned_back() -> None:
    turned = TABLE.turned()
    assert turned == Table("Cost", ("variant", "a", "b"), (("jobs", "10", "20"), ("lost", "1", "2")))
    assert turned.turned() == TABLE


def measured(folder: Path, rows: list[tuple[int, Scope, str, float]]) -> Run:
    recorder = Recorder()
    for version, scope, subject, value in rows:
        recorder.metric(MetricRow(float(version), version, scope, subject, "rouge", value, 4))
    recorder.write(folder)
    write_manifest(folder, {"name": "x", "seed": 0})
    return read_run(folder)


def test_each_model_has_its_first_and_its_last_value_and_clients_are_taken_together(tmp_path: Path) -> None:
    """Clients: (0.1 + 0.3) / 2 = 0.2, then (0.5 + 0.6) / 2 = 0.55."""
    first = [(0, "global", "big", 0.1), (0, "client", "3", 0.1), (0, "client", "7", 0.3)]
    last = [(9, "global", "big", 0.4), (9, "client", "3", 0.5), (9, "client", "7", 0.6)]
    (table,) = quality({"": [measured(tmp_path, [*first, *last])]})
    assert table.header == ("model", "rouge")
    assert table.rows == (("global big", "0.1 -> 0.4"), ("client", "0.2 -> 0.55"))


def test_a_variant_has_the_mean_and_deviation_of_its_seeds(tmp_path: Path) -> None:
    """0.4 and 0.6: mean 0.5, sample deviation 0.1414."""
    runs = [
        measured(tmp_path / str(end), [(0, "global", "a", 0.0), (9, "global", "a", end), (9, "cloud", "b", end)])
        for end in (0.4, 0.6)
    ]
    (table,) = quality({"slow": runs, "fast": runs[:1]})
    assert table.rows[0] == ("slow, global a", "0 -> 0.5 ± 0.14")
    assert table.rows[3] == ("fast, cloud b", "0.4 -> 0.4")


def test_one_model_needs_no_table_of_models(tmp_path: Path) -> None:
    measured(tmp_path, [(0, "global", "model", 0.1), (9, "global", "model", 0.4)])
    assert [table.title for table in summary(tmp_path)] == ["Run"]
