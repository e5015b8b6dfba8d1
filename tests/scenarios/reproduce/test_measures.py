"""What is taken from a run folder of a few rows."""

import json
from pathlib import Path

import pytest

from mlecs_ray.run.records import EventRow, MetricRow, Recorder, TrafficRow, read_run, write_manifest
from scenarios.reproduce.measures import Result, Traffic, Volume, take

VOLUME = Volume(lambda client, modalities: 1000 * (client + len(modalities)), 5000)


def metric(seconds: float, scope: str, subject: str, value: float, name: str = "rouge") -> MetricRow:
    return MetricRow(seconds, 0, scope, subject, name, value, 8)


def job(number: int, client: int, outcome: str, down: dict[str, int], up: dict[str, int], **more: object) -> TrafficRow:
    row = TrafficRow(number, client, "phone", "", "edge", "image+sound", 0, 0.0, 1.0, outcome)
    return row._replace(download_by=down, upload_by=up, **more)


@pytest.fixture
def result(tmp_path: Path) -> Result:
    recorder = Recorder()
    for row in (
        metric(0.0, "cloud", "cloud", 0.1),
        metric(0.0, "global", "small", 0.15),
        metric(5.0, "personal", "0", 0.5),
        metric(5.0, "global", "small", 0.3),
        metric(5.0, "personal", "0", 0.9, "other"),
        metric(9.0, "cloud", "cloud", 0.2),
        metric(9.0, "personal", "0", 0.6),
        metric(9.0, "personal", "1", 0.8),
        metric(9.0, "personal", "1", float("nan"), "other"),
    ):
        recorder.metric(row)
    recorder.traffic(job(1, 0, "merged", {"lora": 10, "anchors": 6}, {"lora": 20}, staleness=1))
    recorder.traffic(job(2, 1, "merged", {"lora": 30}, {"lora": 20, "fused": 4}, staleness=2))
    recorder.traffic(job(3, 1, "lost", {"lora": 999}, {}))
    recorder.traffic(job(4, 1, "running", {"lora": 999}, {}))
    recorder.traffic(job(5, -1, "merged", {"lora": 999}, {}, role="cloud", staleness=9))
    recorder.event(EventRow(2.0, "merged"))
    recorder.event(EventRow(9.0, "merged"))
    recorder.write(tmp_path)
    write_manifest(tmp_path, {"name": "x"})
    return take(read_run(tmp_path), "rouge", VOLUME, 12.34)


def test_first_and_last_values_are_told_by_scope_and_subject(result: Result) -> None:
    assert result.first["cloud"] == {"cloud": {"rouge": 0.1}}
    assert result.final["cloud"] == {"cloud": {"rouge": 0.2}}
    assert result.final["personal"] == {"0": {"rouge": 0.6, "other": 0.9}, "1": {"rouge": 0.8}}
    assert result.first["global"]["small"] == {"rouge": 0.15}
    assert result.first["personal"]["0"] == {"rouge": 0.5, "other": 0.9}


def test_the_curve_begins_untrained_and_goes_on_when_all_clients_have_learned(result: Result) -> None:
    """At 5 s client 1 has no model of its own; at 9 s they have 0.6 and 0.8."""
    assert result.curve == [(0.0, 0.15), (9.0, 0.7)]


def test_traffic_is_the_mean_of_the_edge_jobs_that_arrived(result: Result) -> None:
    """Models of 1000 (0 + 2) and 1000 (1 + 2) bytes."""
    assert result.traffic == Traffic(2, {"anchors": 3.0, "lora": 20.0}, {"fused": 2.0, "lora": 20.0}, 2500.0, 5000)
    assert result.traffic.share == 45 / 2500
    assert result.traffic.share_of_all == 45 / 7500


def test_what_questions_move_is_shared_by_the_jobs_that_arrived(tmp_path: Path) -> None:
    """Two jobs of 20 and 10 bytes down, and a question of 6 down and 4 up: 36 / 2 and 4 / 2."""
    recorder = Recorder()
    recorder.traffic(job(1, 0, "told", {"shared": 6}, {"shared": 4}))
    recorder.traffic(job(2, 0, "merged", {"shared": 20}, {}, staleness=0))
    recorder.traffic(job(3, 1, "merged", {"shared": 10}, {}, staleness=0))
    recorder.write(tmp_path)
    write_manifest(tmp_path, {"name": "x"})
    traffic = take(read_run(tmp_path), "rouge", VOLUME, 0.0).traffic
    assert traffic == Traffic(2, {"shared": 18.0}, {"shared": 2.0}, 2500.0, 5000)


def test_a_fleet_that_is_measured_as_such_is_told_without_its_many_clients(tmp_path: Path) -> None:
    """Means of two clients at 0, 5 and 9 s, when jobs had moved nothing, 30 and 40 bytes."""
    recorder = Recorder()
    for seconds, values in ((0.0, (0.1, 0.3)), (5.0, (0.4, 0.6)), (9.0, (0.5, 0.9))):
        for client, value in enumerate(values):
            recorder.metric(metric(seconds, "personal", str(client), value))
        recorder.metric(metric(seconds, "fleet", "mean", sum(values) / 2))
    recorder.traffic(
        job(1, 0, "merged", {"shared": 20}, {"shared": 10}, download_bytes=20, upload_bytes=10, finish=5.0)
    )
    recorder.traffic(job(2, 1, "merged", {"shared": 10}, {}, download_bytes=10, finish=6.0))
    recorder.write(tmp_path)
    write_manifest(tmp_path, {"name": "x"})
    fleet = take(read_run(tmp_path), "rouge", VOLUME, 0.0)
    assert (fleet.first, fleet.final) == ({"fleet": {"mean": {"rouge": 0.2}}}, {"fleet": {"mean": {"rouge": 0.7}}})
    assert fleet.curve == [(0.0, 0.2), (5.0, 0.5), (9.0, 0.7)]
    assert fleet.spent == [0.0, 30.0, 40.0]
    assert fleet.effort is not None
    assert fleet.effort.sent == 15.0


def test_time_merges_and_staleness_are_counted(result: Result) -> None:
    assert (result.virtual_seconds, result.merges, result.staleness, result.real_seconds) == (9.0, 2, 1.5, 12.3)


def test_a_result_survives_json(result: Result) -> None:
    assert Result.from_json(json.loads(json.dumps(result.as_json(), allow_nan=False))) == result


def test_a_result_of_before_they_were_recorded_has_no_effort_and_keeps_its_line(result: Result) -> None:
    old = {name: value for name, value in result.as_json().items() if name not in ("effort", "spent")}
    again = Result.from_json(json.loads(json.dumps(old)))
    assert (again.effort, again.spent) == (None, None)
    assert json.dumps(again.as_json()) == json.dumps(old)


def test_a_run_in_which_nothing_happened_has_zeros(tmp_path: Path) -> None:
    Recorder().write(tmp_path)
    write_manifest(tmp_path, {"name": "x"})
    empty = take(read_run(tmp_path), "rouge", VOLUME, 0.0)
    assert (empty.final, empty.curve, empty.virtual_seconds, empty.staleness) == ({}, [], 0.0, 0.0)
    assert (empty.traffic.share, empty.traffic.share_of_all) == (0.0, 0.0)
