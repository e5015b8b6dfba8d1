"""The run folder: what is written is read back, nothing is half-written, and what is wrong is named."""

import hashlib
import json
import struct
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.run.records import (
    Counts,
    EventRow,
    MetricRow,
    Recorder,
    Study,
    StudyRun,
    TrafficRow,
    is_study,
    read_run,
    read_study,
    write_manifest,
    write_study,
)

JOB = TrafficRow(
    job=1,
    client=7,
    device="pi4",
    structure="small",
    role="edge",
    modalities="image+speech_fr",
    version=3,
    start=10.0,
    finish=17.5,
    outcome="merged",
    download_bytes=30,
    upload_bytes=12,
    download_seconds=1.0,
    compute_seconds=6.0,
    upload_seconds=0.5,
    joules_compute=24.0,
    joules_radio=0.25,
    staleness=2,
    download_by={"speech_fr": 20, "image": 10},
    upload_by={"shared": 12},
)


def recorder() -> Recorder:
    made = Recorder()
    made.event(EventRow(0.0, "online", detail="2"))
    made.event(EventRow(10.0, "started", client=7, job=1, version=3))
    made.event(EventRow(17.5, "merged", version=6, staleness=2, lane=0))
    made.traffic(JOB)
    made.metric(MetricRow(17.5, 6, "global", "small", "accuracy", 0.5, 100))
    return made


def run_folder(folder: Path) -> Path:
    recorder().write(folder)
    write_manifest(folder, {"mlecs_ray": "0.1.0", "name": "smoke", "seed": 4})
    return folder


def test_events_come_back_numbered_in_their_order(tmp_path: Path) -> None:
    events = read_run(run_folder(tmp_path)).events
    assert events["seq"].tolist() == [0, 1, 2]
    assert events["kind"].tolist() == ["online", "started", "merged"]
    assert events["seconds"].tolist() == [0.0, 10.0, 17.5]
    assert events["client"].tolist() == [-1, 7, -1]
    assert events["staleness"].tolist() == [-1, -1, 2]


def test_a_job_comes_back_with_every_field(tmp_path: Path) -> None:
    row = read_run(run_folder(tmp_path)).traffic.iloc[0].to_dict()
    assert TrafficRow(**row) == JOB


def test_a_metric_comes_back_with_every_field(tmp_path: Path) -> None:
    row = read_run(run_folder(tmp_path)).metrics.iloc[0].to_dict()
    assert MetricRow(**row) == MetricRow(17.5, 6, "global", "small", "accuracy", 0.5, 100)


def test_the_manifest_carries_the_format(tmp_path: Path) -> None:
    assert read_run(run_folder(tmp_path)).manifest == {
        "format": 1,
        "mlecs_ray": "0.1.0",
        "name": "smoke",
        "seed": 4,
    }


def test_an_empty_run_keeps_its_columns(tmp_path: Path) -> None:
    Recorder().write(tmp_path)
    write_manifest(tmp_path, {})
    run = read_run(tmp_path)
    assert (len(run.events), len(run.traffic), len(run.metrics)) == (0, 0, 0)
    assert run.metrics.columns.tolist() == ["seconds", "version", "scope", "subject", "metric", "value", "samples"]


def test_the_digest_is_that_of_the_events_written_out_by_hand() -> None:
    """Each column in turn: ``name:rows:``, then little-endian 8-byte numbers, or JSON for texts."""
    made = Recorder()
    made.event(EventRow(1.5, "merged", version=1, staleness=0, lane=0, detail="a"))
    text = b"seconds:1:" + struct.pack("<d", 1.5) + b'kind:1:["merged"]'
    for name, value in {"client": -1, "job": -1, "version": 1, "staleness": 0, "lane": 0}.items():
        text += f"{name}:1:".encode() + struct.pack("<q", value)
    text += b'detail:1:["a"]'
    assert made.digest() == hashlib.sha256(text).hexdigest()


def test_the_digest_survives_the_disk(tmp_path: Path) -> None:
    recorder().write(tmp_path)
    assert Recorder.read(tmp_path).digest() == recorder().digest()


@pytest.mark.parametrize("change", [{"seconds": 17.6}, {"client": 3}, {"detail": "x"}, {"kind": "lost"}])
def test_the_digest_changes_with_any_field(change: dict[str, object]) -> None:
    one, other, row = Recorder(), Recorder(), EventRow(17.5, "finished")
    one.event(row)
    other.event(row._replace(**change))
    assert one.digest() != other.digest()


def test_rows_after_the_checkpoint_are_dropped_on_resume(tmp_path: Path) -> None:
    made = recorder()
    counts, digest = made.counts(), made.digest()
    assert counts == Counts(3, 1, 1)
    made.event(EventRow(20.0, "lost", client=7, job=2, detail="offline"))
    made.traffic(JOB)
    made.metric(MetricRow(20.0, 6, "global", "small", "accuracy", 0.6, 100))
    made.write(tmp_path)
    resumed = Recorder.read(tmp_path)
    resumed.truncate(counts)
    assert (resumed.counts(), resumed.digest()) == (counts, digest)


def test_a_checkpoint_that_knows_more_rows_than_the_records_is_refused() -> None:
    with pytest.raises(InputError, match=r"events.parquet has 3 rows but the checkpoint was made after 9"):
        recorder().truncate(Counts(9, 1, 1))


def test_a_resumed_recorder_writes_what_the_unbroken_one_would_have(tmp_path: Path) -> None:
    whole = recorder()
    recorder().write(tmp_path / "a")
    resumed = Recorder.read(tmp_path / "a")
    for one in (whole, resumed):
        one.traffic(JOB._replace(job=2))
        one.event(EventRow(20.0, "finished", client=7, job=2))
    whole.write(tmp_path / "whole")
    resumed.write(tmp_path / "resumed")
    for name in ("events", "traffic", "metrics"):
        pair = [pq.read_table(tmp_path / folder / f"{name}.parquet") for folder in ("whole", "resumed")]
        assert pair[0].equals(pair[1])


def test_a_full_disk_leaves_the_old_records_whole(tmp_path: Path) -> None:
    """/dev/full takes no byte, as a full disk does."""
    before = recorder()
    before.write(tmp_path)
    (tmp_path / "events.parquet.part").symlink_to("/dev/full")
    after = recorder()
    after.event(EventRow(30.0, "evaluated"))
    with pytest.raises(InputError, match=r"No space left on device, so events.parquet was not written") as caught:
        after.write(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert not list(tmp_path.glob("*.part"))
    assert Recorder.read(tmp_path).digest() == before.digest()


def test_a_full_disk_leaves_the_old_manifest_whole(tmp_path: Path) -> None:
    write_manifest(tmp_path, {"name": "old"})
    (tmp_path / "scenario.json.part").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"No space left on device, so scenario.json was not written"):
        write_manifest(tmp_path, {"name": "new"})
    assert json.loads((tmp_path / "scenario.json").read_text())["name"] == "old"


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    place = tmp_path / "run"
    place.write_text("")
    with pytest.raises(InputError, match=r"run: .*so events.parquet was not written"):
        recorder().write(place)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is no run folder: it has no scenario.json"):
        read_run(tmp_path)


def test_another_format_is_refused_with_both_numbers(tmp_path: Path) -> None:
    run_folder(tmp_path)
    (tmp_path / "scenario.json").write_text('{"format": 3}')
    with pytest.raises(InputError, match=r"written by format 3, this reads 1: use the version of mlecs-ray"):
        read_run(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_a_damaged_manifest_is_named(tmp_path: Path, text: str) -> None:
    run_folder(tmp_path)
    (tmp_path / "scenario.json").write_text(text)
    with pytest.raises(InputError, match=r"scenario.json is damaged"):
        read_run(tmp_path)


@pytest.mark.parametrize("name", ["events", "traffic", "metrics"])
def test_a_cut_off_parquet_file_is_named(tmp_path: Path, name: str) -> None:
    path = run_folder(tmp_path) / f"{name}.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=rf"{name}.parquet is damaged"):
        read_run(tmp_path)


def test_a_parquet_file_without_a_column_is_named(tmp_path: Path) -> None:
    path = run_folder(tmp_path) / "metrics.parquet"
    pd.DataFrame({"seconds": [1.0]}).to_parquet(path)
    with pytest.raises(InputError, match=r"metrics.parquet is damaged \(.*version"):
        read_run(tmp_path)


def test_a_run_that_never_wrote_is_told_apart(tmp_path: Path) -> None:
    write_manifest(tmp_path, {})
    with pytest.raises(InputError, match=r"events.parquet is missing: the run stopped before"):
        read_run(tmp_path)


def test_an_equals_sign_in_a_folder_name_adds_no_column(tmp_path: Path) -> None:
    """Parquet readers take ``seed=3/`` for a partition."""
    assert "seed" not in read_run(run_folder(tmp_path / "seed=3")).events.columns


def test_a_study_comes_back_with_its_variants_in_order(tmp_path: Path) -> None:
    runs = (StudyRun("sync", 0, "sync-s0"), StudyRun("async", 0, "async-s0"), StudyRun("sync", 1, "sync-s1"))
    study = Study(tmp_path, "stragglers", runs, "accuracy", True)
    write_study(study)
    assert is_study(tmp_path)
    assert read_study(tmp_path) == study
    assert study.variants == ("sync", "async")


def test_seeds_without_variants_go_by_the_name_of_the_study(tmp_path: Path) -> None:
    raw = {"format": 1, "name": "smoke", "metric": "loss", "higher_is_better": False}
    (tmp_path / "study.json").write_text(json.dumps({**raw, "runs": [{"variant": None, "seed": 0, "path": "s0"}]}))
    assert read_study(tmp_path).variants == ("smoke",)


def test_a_study_read_as_a_run_names_its_runs(tmp_path: Path) -> None:
    write_study(Study(tmp_path, "x", (StudyRun("sync", 0, "sync-s0"),), "accuracy", True))
    with pytest.raises(InputError, match=r"is a study, not a run; name one of its runs: sync-s0"):
        read_run(tmp_path)


def test_a_study_without_a_field_is_named(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text('{"format": 1, "name": "x", "runs": []}')
    with pytest.raises(InputError, match=r"study.json is damaged \(KeyError\('metric'\)\)"):
        read_study(tmp_path)
