"""UR Fall Detection, read from a small folder of the public layout."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mlecs_ray.data import urfall, watch
from mlecs_ray.data.pool import Pool
from mlecs_ray.errors import InputError
from mlecs_ray.metrics.registry import measure
from mlecs_ray.models.mobilenet import MEAN, STD
from mlecs_ray.samples import Samples
from tests.data.recorded import encoders, grey, lend_assets, write_urfall

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two falls of three windows each, of which the first is upright, and two other recordings of two windows."""
    return write_urfall(tmp_path / "urfall")


def load(folder: Path, *modalities: str) -> Pool:
    return urfall.load(folder, modalities, encoders())


def metres(path: Path) -> float:
    """What is seen in the middle of this picture of depth, up to 6 m."""
    return float(urfall.depth_picture(path)[0, 112, 112] * STD[0] + MEAN[0]) * 6


def test_a_window_is_a_second_of_one_recording(folder: Path) -> None:
    windows = urfall.read(folder)
    assert [window.key for window in windows] == [
        *("adl-01-000", "adl-01-001", "adl-02-000", "adl-02-001"),
        *("fall-01-000", "fall-01-001", "fall-01-002", "fall-02-000", "fall-02-001", "fall-02-002"),
    ]
    assert (windows[5].begins_ms, windows[5].ends_ms) == pytest.approx((1000, 2000), abs=1)


def test_frames_that_fill_no_window_are_left_out(tmp_path: Path) -> None:
    assert len(urfall.read(write_urfall(tmp_path, [("fall", 1, 89)]))) == 2


def test_at_most_four_pictures_of_a_window_are_looked_at(folder: Path) -> None:
    """Frames 31, 37, 43, 49 and 55 in four parts of 1.25 each: the middles are the first, second, fourth and fifth."""
    names = [path.name for path in urfall.read(folder)[5].rgb]
    assert names == [f"fall-01-cam0-rgb-{frame:03d}.png" for frame in (31, 37, 49, 55)]


def test_a_fall_is_where_who_falls_goes_down_or_lies_and_nowhere_else(folder: Path) -> None:
    """In adl-01 someone goes down and lies as well, on purpose."""
    pool = load(folder, "accelerometer")
    assert pool.samples.labels is not None
    assert pool.samples.labels.tolist() == [0, 0, 0, 0, 0, 1, 1, 0, 1, 1]
    assert pool.samples.texts[4:6] == ("There is no fall.", "A person has fallen.")
    assert pool.classes == ("not a fall", "fall")


def test_windows_of_one_recording_are_one_identity(folder: Path) -> None:
    samples = load(folder, "accelerometer").samples
    assert samples.ids == samples.domains
    assert set(samples.ids) == {"adl-01", "adl-02", "fall-01", "fall-02"}


def test_the_texts_share_no_word_so_rouge_tells_right_from_wrong() -> None:
    truth = Samples(inputs={"x": torch.zeros(2, 1)}, texts=urfall.TEXTS)
    assert measure(["rouge_lsum", "accuracy"], urfall.TEXTS, truth) == {"rouge_lsum": 1, "accuracy": 1}
    assert measure(["rouge_lsum", "accuracy"], urfall.TEXTS[::-1], truth) == {"rouge_lsum": 0, "accuracy": 0}


def test_all_three_modalities_have_features(folder: Path) -> None:
    pool = load(folder)
    assert {modality: rows.shape for modality, rows in pool.samples.inputs.items()} == {
        "rgb": (10, 3),
        "depth": (10, 3),
        "accelerometer": (10, 100),
    }
    assert all(mask.all() for mask in pool.samples.present.values())


def test_the_readings_of_a_window_are_those_of_its_time(folder: Path) -> None:
    """The total is 1 + seconds: in the second window of fall-01 it runs from 2 to 2.99, in steps of 1 / 100."""
    row = load(folder, "accelerometer").samples.inputs["accelerometer"][5]
    ramp = 2 + np.arange(100) / 100
    axes = np.stack([ramp, ramp - 1, np.full(100, 0.5), np.full(100, -1)], axis=1)
    assert torch.allclose(row, watch.features(axes[None].astype(np.float32))[0], atol=1e-3)


def test_without_a_clock_frames_are_a_thirtieth_of_a_second_apart(folder: Path) -> None:
    before = [(window.begins_ms, window.ends_ms) for window in urfall.read(folder)]
    for path in folder.glob("*-data.csv"):
        path.unlink()
    after = [(window.begins_ms, window.ends_ms) for window in urfall.read(folder)]
    assert np.allclose(before, after, atol=1)


def test_depth_is_in_millimetres_whatever_the_scale_of_the_recording(tmp_path: Path) -> None:
    """3 m are 65535 * 3000 / 6000 in a fall, 65535 * 3000 / 7000 in another recording."""
    fall = grey(tmp_path / "fall-01-cam0-d-001.png", round(65535 / 2), np.uint16)
    other = grey(tmp_path / "adl-01-cam0-d-001.png", round(65535 * 3 / 7), np.uint16)
    assert (metres(fall), metres(other)) == pytest.approx((3.0, 3.0), abs=1e-3)


def test_what_is_too_far_for_falls_is_too_far_for_all(tmp_path: Path) -> None:
    fall = grey(tmp_path / "fall-01-cam0-d-001.png", 65535, np.uint16)
    other = grey(tmp_path / "adl-01-cam0-d-001.png", 65535, np.uint16)
    assert (metres(fall), metres(other)) == pytest.approx((6.0, 6.0), abs=1e-3)


def test_a_depth_of_eight_bits_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must have one channel of 16 bits"):
        urfall.depth_picture(grey(tmp_path / "fall-01-cam0-d-001.png", 7))


def test_broken_pictures_leave_a_window_without_the_modality(folder: Path) -> None:
    for path in (folder / "adl-01-cam0-rgb").iterdir():
        path.write_bytes(b"no picture")
    pool = load(folder)
    assert pool.samples.present["rgb"].tolist() == [False] * 2 + [True] * 8
    assert torch.equal(pool.samples.inputs["rgb"][:2], torch.zeros(2, 3))
    assert pool.samples.present["depth"].all()


@pytest.mark.parametrize("text", ["", "a,b,c,d,e\n", "0,1\n1,1\n", "0,1,nan,0,0\n" * 50, "0,1,0,0,0\n1,1\n", "\xff"])
def test_broken_readings_leave_a_recording_without_accelerometer(folder: Path, text: str) -> None:
    (folder / "adl-02-acc.csv").write_text(text, encoding="latin-1")
    assert load(folder).samples.present["accelerometer"].tolist() == [True] * 2 + [False] * 2 + [True] * 6


def test_a_window_with_too_few_readings_has_no_accelerometer(folder: Path) -> None:
    """Nine before the second second, of ten milliseconds each."""
    rows = (folder / "adl-01-acc.csv").read_text().splitlines()
    (folder / "adl-01-acc.csv").write_text("\n".join(rows[:109]))
    assert load(folder, "accelerometer").samples.ids.count("adl-01") == 1


def test_a_modality_that_was_not_downloaded_is_left_out(folder: Path) -> None:
    for path in [*folder.rglob("*-rgb-*.png"), *folder.rglob("*-d-*.png")]:
        path.unlink()
    assert load(folder).samples.modalities == {"accelerometer"}
    with pytest.raises(InputError, match="modality 'rgb': the folder of urfall holds none"):
        load(folder, "rgb")


def test_the_clock_of_other_recordings_may_have_two_columns_or_three(folder: Path) -> None:
    before = urfall.read(folder)
    path = folder / "adl-01-data.csv"
    path.write_text("".join(f"{line},1.02\n" for line in path.read_text().splitlines()))
    assert urfall.read(folder) == before


def test_features_are_kept_until_a_file_changes(folder: Path, own_cache: Path) -> None:
    before = load(folder, "depth").samples.inputs["depth"]
    assert torch.equal(load(folder, "depth").samples.inputs["depth"], before)
    assert len(list(own_cache.glob("derived/urfall-depth-*"))) == 1
    for path in folder.rglob("fall-01-cam0-d-*.png"):
        grey(path, 100, np.uint16)
    assert not torch.equal(load(folder, "depth").samples.inputs["depth"], before)


@pytest.mark.slow
def test_the_shipped_encoder_makes_features_of_its_width(folder: Path, own_cache: Path) -> None:
    lend_assets(own_cache)
    inputs = urfall.load(folder, ("rgb", "depth")).samples.inputs
    assert {modality: rows.shape[1] for modality, rows in inputs.items()} == {"rgb": 1280, "depth": 1280}


@pytest.mark.parametrize("name", ["readme.txt", "fall-01-cam0-rgb.zip", "urfall-cam0-falls.csv"])
def test_a_folder_without_recordings_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(json.dumps({}) if name.endswith(".txt") else "")
    with pytest.raises(InputError, match=r"holds no recording of 30 frames or more .* unpack the archives"):
        urfall.read(tmp_path)
