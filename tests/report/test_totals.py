"""Sums and evenness by hand."""

from pathlib import Path
from typing import Any

import pytest

from mlecs_ray.report.cost import by_modality, joules_by_modality
from mlecs_ray.report.fleet import offline_spans
from mlecs_ray.report.totals import Totals, clients, gini, participation, totals
from mlecs_ray.run.records import EventRow, Recorder, Run, TrafficRow, read_run, write_manifest
from mlecs_ray.seeds import derive
from mlecs_ray.sim.shifts import Shifts


def job(number: int, client: int, outcome: str = "merged", **more: object) -> TrafficRow:
    return TrafficRow(number, client, "pi4", "", "edge", "image", 0, 0.0, 1.0, outcome, **more)


def run_of(folder: Path, events: list[EventRow], jobs: list[TrafficRow], **manifest: object) -> Run:
    recorder = Recorder()
    for event in events:
        recorder.event(event)
    for row in jobs:
        recorder.traffic(row)
    recorder.write(folder)
    write_manifest(folder, manifest)
    return read_run(folder)


def test_equal_shares_have_gini_zero_and_one_owner_nearly_one() -> None:
    """One owner of n: ((2 n - n - 1) x) / (n x) = (n - 1) / n."""
    assert gini([3, 3, 3]) == 0.0
    assert gini([0, 0, 0, 8]) == 0.75


def test_gini_equals_half_the_mean_absolute_difference_over_the_mean() -> None:
    """[1, 2, 3]: sum of |x - y| over all 9 pairs is 8; 8 / 9 / (2 * 2) = 2 / 9."""
    assert gini([3, 1, 2]) == pytest.approx(2 / 9)


def test_gini_of_nothing_is_zero() -> None:
    assert (gini([]), gini([0, 0])) == (0.0, 0.0)


def test_a_run_adds_up(tmp_path: Path) -> None:
    events = [
        EventRow(0.0, "started", 0, 1),
        EventRow(0.0, "started", 1, 2),
        EventRow(4.0, "lost", 1, 2, detail="offline"),
        EventRow(5.0, "merged", version=1, staleness=1),
    ]
    jobs = [
        job(1, 0, download_bytes=5, upload_bytes=3, joules_compute=2.0, joules_radio=0.5, staleness=1),
        job(2, 1, "lost", download_bytes=5, joules_compute=1.0),
    ]
    found = totals(run_of(tmp_path, events, jobs))
    assert found == Totals(
        seconds=5.0,
        clients=2,
        merges=1,
        jobs=2,
        lost=1,
        download_bytes=10,
        upload_bytes=3,
        joules=3.5,
        staleness=1.0,
        gini=0.5,
    )


def test_what_questions_cost_counts_but_they_are_neither_lost_nor_merged(tmp_path: Path) -> None:
    events = [EventRow(0.0, "started", 0, 1), EventRow(1.0, "finished", 0, 1), EventRow(1.0, "told", 0, 1)]
    run = run_of(tmp_path, events, [job(1, 0, "told", download_bytes=5, upload_bytes=3, joules_radio=2.0)])
    found = totals(run)
    assert (found.jobs, found.lost, found.merges, found.staleness) == (1, 0, 0, None)
    assert (found.download_bytes, found.upload_bytes, found.joules) == (5, 3, 2.0)
    assert participation(run).tolist() == [0]


def test_clients_without_a_job_count_where_the_scenario_tells_them(tmp_path: Path) -> None:
    run = run_of(tmp_path, [], [job(1, 2)], scenario={"clients": {"count": 4}})
    assert clients(run) == [0, 1, 2, 3]
    assert participation(run).tolist() == [0, 0, 1, 0]


def test_the_cloud_is_no_edge_client(tmp_path: Path) -> None:
    assert clients(run_of(tmp_path, [], [job(1, -1), job(2, 3)])) == [3]


def test_bytes_add_up_by_modality_and_direction(tmp_path: Path) -> None:
    jobs = [
        job(1, 0, download_by={"image": 3, "shared": 1}, upload_by={"image": 2}),
        job(2, 0, download_by={"image": 4}),
    ]
    frame = by_modality(run_of(tmp_path, [], jobs).traffic)
    assert frame.to_dict("index") == {"image": {"download": 7, "upload": 2}, "shared": {"download": 1, "upload": 0}}


def test_radio_joules_are_shared_out_by_bytes(tmp_path: Path) -> None:
    """8 J for 4 bytes is 2 J a byte."""
    only = job(
        1, 0, download_bytes=3, upload_bytes=1, joules_radio=8.0, download_by={"image": 3}, upload_by={"image": 1}
    )
    frame = joules_by_modality(run_of(tmp_path, [], [only]).traffic)
    assert frame.to_dict("index") == {"image": {"download": 6.0, "upload": 2.0}}


def test_offline_spans_begin_with_the_first_sign_of_a_client(tmp_path: Path) -> None:
    """Client 0 leaves at 2 and returns at 5; client 1 comes at 3; client 2 leaves at 6 for good; all ends at 10."""
    events = [
        EventRow(0.0, "online", detail="2"),
        EventRow(2.0, "offline", 0),
        EventRow(3.0, "online", 1),
        EventRow(5.0, "online", 0),
        EventRow(6.0, "offline", 2),
    ]
    spans = offline_spans(run_of(tmp_path, events, []).events, 10.0)
    assert spans.to_numpy().tolist() == [[0, 2.0, 5.0], [1, 0.0, 3.0], [2, 6.0, 10.0]]


SHIFTING: dict[str, Any] = {"partition": "environments", "environments": {"shifts": 3, "period": 2.0}}


@pytest.mark.parametrize(("end", "met"), [(1.9, 0.0), (5.0, 2.0), (60.0, 3.0)])
def test_shifts_are_counted_by_the_clock_up_to_the_end(tmp_path: Path, end: float, met: float) -> None:
    run = run_of(
        tmp_path, [EventRow(end, "merged", version=1)], [], seed=0, scenario={"data": SHIFTING, "clients": {"count": 4}}
    )
    assert (totals(run).shifts, totals(run).planned_shifts) == (met, 3)


def test_shifts_met_by_a_client_are_those_that_its_world_had(tmp_path: Path) -> None:
    """With spread, clients differ: the mean of what the world of this seed says at 3 s."""
    data = {**SHIFTING, "environments": {"shifts": 3, "period": 2.0, "spread": 1.0}}
    run = run_of(
        tmp_path, [EventRow(3.0, "merged", version=1)], [], seed=7, scenario={"data": data, "clients": {"count": 50}}
    )
    shifts = Shifts(3, 2.0, 1.0, derive(7, "shifts"))
    assert totals(run).shifts == sum(shifts.of(client, 3.0) for client in range(50)) / 50


def test_an_answer_to_a_question_is_counted(tmp_path: Path) -> None:
    run = run_of(tmp_path, [EventRow(0.0, "started", 0, 1), EventRow(1.0, "told", 0, 1)], [job(1, 0, "told")])
    assert totals(run).questions == 1
    assert totals(run).shifts is None


@pytest.mark.parametrize(
    ("data", "planned"),
    [
        ({**SHIFTING, "environments": {**SHIFTING["environments"], "of another version": 1}}, 3),
        ({**SHIFTING, "environments": {"period": 2.0}}, 0),
        ({**SHIFTING, "environments": {"shifts": "often"}}, 0),
        ({**SHIFTING, "environments": {"shifts": 3, "period": -1.0}}, 0),
        ({**SHIFTING, "environments": None}, 0),
        ({"partition": "environments"}, 0),
    ],
)
def test_environments_of_another_version_end_no_summary(tmp_path: Path, data: dict[str, object], planned: int) -> None:
    run = run_of(tmp_path, [EventRow(5.0, "merged", version=1)], [], seed=0, scenario={"data": data})
    found = totals(run)
    assert (found.merges, found.planned_shifts) == (1, planned)


def test_shifts_of_a_run_that_tells_no_seed_are_not_known(tmp_path: Path) -> None:
    assert totals(run_of(tmp_path, [], [], scenario={"data": SHIFTING})).shifts is None
