"""What the folder of UR Fall Detection holds of each recording."""

from pathlib import Path

import pytest

from mlecs_ray.data import recordings
from mlecs_ray.errors import InputError
from tests.data.recorded import write_urfall


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_urfall(tmp_path, [("fall", 1, 60), ("adl", 1, 30)])


def test_a_recording_has_pictures_readings_times_and_postures_by_frame(folder: Path) -> None:
    adl, fall = recordings.read(folder)
    assert (adl.name, adl.is_fall, adl.frames) == ("adl-01", False, 30)
    assert (fall.name, fall.is_fall, fall.frames) == ("fall-01", True, 60)
    assert fall.rgb[7] == folder / "fall-01-cam0-rgb" / "fall-01-cam0-rgb-007.png"
    assert fall.depth[7] == folder / "fall-01-cam0-d" / "fall-01-cam0-d" / "fall-01-cam0-d-007.png"
    assert fall.readings == folder / "fall-01-acc.csv"
    assert fall.clock_ms[31] == 1000
    assert [fall.posture.get(frame) for frame in (5, 6, 30, 31, 41)] == [None, -1, -1, 0, 1]


def test_files_are_found_by_their_names_wherever_they_lie(folder: Path, tmp_path: Path) -> None:
    before = [(one.name, one.frames, len(one.rgb), len(one.depth)) for one in recordings.read(folder)]
    deep = tmp_path / "Fall_sequences" / "1"
    deep.mkdir(parents=True)
    for path in sorted(folder.glob("fall-01-*")):
        path.rename(deep / path.name)
    assert [(one.name, one.frames, len(one.rgb), len(one.depth)) for one in recordings.read(folder)] == before


def test_the_camera_above_and_copies_are_not_read(folder: Path) -> None:
    before = recordings.read(folder)
    for name in ("fall-01-cam1-rgb-001.png", "fall-01-data (1).csv", "fall-01-cam0.mp4"):
        (folder / name).write_text("what is not read may be anything")
    assert recordings.read(folder) == before


def test_frames_beyond_the_clock_are_a_thirtieth_of_a_second_apart(folder: Path) -> None:
    rows = (folder / "adl-01-data.csv").read_text().splitlines()
    (folder / "adl-01-data.csv").write_text("\n".join(rows[:10]))
    adl = recordings.read(folder)[0]
    assert adl.begins_ms(10) == 300
    assert adl.begins_ms(16) == pytest.approx(500)


def test_falls_without_their_postures_are_refused(folder: Path) -> None:
    (folder / "urfall-cam0-falls.csv").unlink()
    with pytest.raises(InputError, match=r"holds fall-01 but no urfall-cam0-falls.csv, so nobody knows when"):
        recordings.read(folder)


def test_the_postures_of_the_others_are_not_needed(folder: Path) -> None:
    (folder / "urfall-cam0-adls.csv").unlink()
    assert recordings.read(folder)[0].posture == {}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "urfall-cam0-falls.csv",
            "fall-01,1,-1\nfall-01,2,3\n",
            r"row 1: 'fall-01,2,3' must be .* -1, 0 or 1, or nobody",
        ),
        ("urfall-cam0-falls.csv", "fall-01,1\n", "row 0: 'fall-01,1' must be a recording, a frame and a posture"),
        ("urfall-cam0-adls.csv", "adl-01,one,0\n", "row 0: 'adl-01,one,0' must be"),
        ("fall-01-data.csv", "1,0,1.02\n\n2\n", "row 2: '2' must be a frame and milliseconds"),
        ("fall-01-data.csv", "\xff,0\n", "cannot be read as a table"),
    ],
)
def test_a_broken_table_is_refused_by_its_row(folder: Path, name: str, text: str, words: str) -> None:
    (folder / name).write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=rf"{name} {words}"):
        recordings.read(folder)
