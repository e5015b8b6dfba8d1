"""Tables for people: as they are, or turned where a place is narrow."""

from pathlib import Path
from typing import cast

import pytest

from mlecs_ray.report.tables import (
    Table,
    asked_tables,
    compare_table,
    fitted_tables,
    quality,
    run_table,
    sent_tables,
    summary,
)
from mlecs_ray.report.write import write_report
from mlecs_ray.run.records import (
    EventRow,
    MetricRow,
    Recorder,
    Run,
    Scope,
    StudyRun,
    TrafficRow,
    read_run,
    write_manifest,
)
from mlecs_ray.server.journal import Outcome

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


def measured_by(folder: Path, method: str, **evaluation: bool) -> Run:
    rows: list[tuple[int, Scope, str, float]] = [(0, "global", "model", 0.9), (0, "personal", "1", 0.5)]
    measured(folder, [*rows, (0, "fleet", "mean", 0.5)] if evaluation else rows)
    write_manifest(folder, {"name": "x", "seed": 0, "scenario": {"method": {"name": method}, "evaluation": evaluation}})
    return read_run(folder)


@pytest.mark.parametrize("method", ["noadaptation", "localadaptation", "adaptivenet"])
def test_the_model_that_no_device_trains_is_called_so_and_devices_own_come_first(tmp_path: Path, method: str) -> None:
    (table,) = quality({"": [measured_by(tmp_path, method, local=True)]})
    assert [row[0] for row in table.rows] == ["devices on their own tests", "cloud's first model, unchanged"]
    assert "cloud's first model, unchanged" in write_report(tmp_path).read_text().replace("\\u0027", "'")


def test_the_cloud_of_eclm_is_on_no_device(tmp_path: Path) -> None:
    (table,) = quality({"": [measured_by(tmp_path, "eclm", local=True)]})
    assert [row[0] for row in table.rows] == ["devices on their own tests", "cloud's, all modules (on no device)"]


def test_where_devices_are_not_judged_by_their_own_tests_models_come_as_they_are_measured(tmp_path: Path) -> None:
    (table,) = quality({"": [measured_by(tmp_path, "eclm")]})
    assert [row[0] for row in table.rows] == ["cloud's, all modules (on no device)", "devices' own models"]


def test_variants_call_the_cloud_s_model_by_their_method_and_their_devices_alike(tmp_path: Path) -> None:
    runs = {name: [measured_by(tmp_path / name, name, local=True)] for name in ("eclm", "fedavg")}
    (table,) = quality(runs)
    assert [row[0] for row in table.rows] == [
        "eclm, devices on their own tests",
        "eclm, cloud's, all modules (on no device)",
        "fedavg, devices on their own tests",
        "fedavg, global model",
    ]


def sent(folder: Path, method: str) -> Run:
    """Two phones were sent 10 and 20 bytes, a board 40, and sent one more back. Others do not count."""
    recorder = Recorder()
    jobs = [(1, "phone", "merged", 10), (2, "phone", "discarded", 20), (3, "pi", "merged", 40)]
    for number, device, outcome, size in [*jobs, (4, "pi", "told", 1), (5, "pi", "lost", 3)]:
        row = TrafficRow(number, number, device, "", "edge", "x", 0, 0.0, 1.0, cast(Outcome, outcome), size, size + 1)
        recorder.traffic(row)
    recorder.event(EventRow(1.0, "told", 4, 4))
    recorder.write(folder)
    scenario = {"method": {"name": method}, "data": {"partition": "environments", "environments": {"shifts": 2}}}
    write_manifest(folder, {"name": "x", "seed": 0, "scenario": scenario})
    return read_run(folder)


def test_sub_models_are_told_by_device(tmp_path: Path) -> None:
    (table,) = sent_tables(sent(tmp_path, "eclm"))
    assert table.rows == (
        ("phone", "2", "2", "16 B", "11 B", "21 B", "15 B"),
        ("pi", "1", "1", "41 B", "41 B", "41 B", "40 B"),
    )
    assert table in summary(tmp_path)
    assert "Sub-models, by device" in write_report(tmp_path).read_text()
    assert sent_tables(sent(tmp_path / "all", "fedavg")) == []


def test_shifts_and_questions_are_told_where_there_are_any(tmp_path: Path) -> None:
    """The run ended after one second of the first period."""
    facts = dict(run_table(sent(tmp_path, "eclm")).rows)
    assert facts["questions answered"] == "1"
    assert facts["shifts met by a client"] == "0 of 2: the run ended before the first"
    assert "shifts met by a client" not in dict(run_table(measured(tmp_path / "b", [])).rows)


def test_a_study_tells_them_by_variant(tmp_path: Path) -> None:
    study = [(StudyRun("asks", seed, "x"), sent(tmp_path / str(seed), "eclm")) for seed in (0, 1)]
    (table,) = asked_tables([*study, (StudyRun("not", 0, "y"), measured(tmp_path / "y", []))])
    assert table.rows == (("asks", "0", "2", "1"), ("not", "0", "0", "0"))
    assert asked_tables([(StudyRun("not", 0, "y"), read_run(tmp_path / "y"))]) == []


def test_a_study_tells_sub_models_by_variant_and_device(tmp_path: Path) -> None:
    """Two seeds of the same jobs; a variant of another method has no rows."""
    fits = [sent(tmp_path / str(seed), "eclm") for seed in (0, 1)]
    (table,) = fitted_tables({"fits": fits, "all": [sent(tmp_path / "all", "fedavg")]})
    assert table.rows[0] == ("fits, phone", "2", "4", "16 B", "11 B", "21 B", "15 B")
    assert [row[0] for row in table.rows] == ["fits, phone", "fits, pi"]


def test_runs_with_other_facts_are_compared(tmp_path: Path) -> None:
    table = compare_table({"a": sent(tmp_path / "a", "eclm"), "b": measured(tmp_path / "b", [])})
    assert ("questions answered", "1", "-") in table.rows
