"""Speech Commands' folders, with two words of four speakers."""

from pathlib import Path

import numpy as np
import pytest

from mlecs_ray.data import speechcommands
from mlecs_ray.data.pool import Split, divide
from mlecs_ray.errors import InputError
from tests.data.published import write_speechcommands

pytestmark = pytest.mark.usefixtures("own_cache")


def test_recordings_have_their_word_and_speaker_and_noise_is_no_word(tmp_path: Path) -> None:
    pool = speechcommands.load(write_speechcommands(tmp_path / "a"))
    assert pool.classes == ("go", "stop")
    assert pool.samples.inputs["speech"].shape == (8, 1, 32, 32)
    assert pool.samples.labels is not None
    assert pool.samples.labels.tolist() == [0] * 4 + [1] * 4
    assert pool.samples.ids[4] == pool.samples.domains[4] == "0a7c2a8d"


def test_the_listed_speakers_are_the_test_and_those_who_validate_are_trained_on(tmp_path: Path) -> None:
    data = divide(speechcommands.load(write_speechcommands(tmp_path / "a")), Split(public=0.0, test=0.5), 1)
    assert set(data.test.ids) == {"3bfd30e6"}
    assert set(data.train.ids) == {"0a7c2a8d", "1b4c9b89", "2aca1e72"}


@pytest.mark.parametrize("name", ["validation_list.txt", "testing_list.txt"])
def test_a_list_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    (write_speechcommands(tmp_path / "a") / name).unlink()
    with pytest.raises(InputError, match=f"holds no {name}, so it is no folder of speechcommands"):
        speechcommands.load(tmp_path / "a")


def test_another_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"_nohash_0.wav has 4000 samples at 8000 a second, must have some at 16000"):
        speechcommands.load(write_speechcommands(tmp_path / "a", rate=8000))


@pytest.mark.parametrize("raw", [b"", b"RIFF\x00\x00"])
def test_a_broken_recording_is_named(tmp_path: Path, raw: bytes) -> None:
    (write_speechcommands(tmp_path / "a") / "go/0a7c2a8d_nohash_0.wav").write_bytes(raw)
    with pytest.raises(InputError, match=r"go/0a7c2a8d_nohash_0.wav cannot be read as sound"):
        speechcommands.load(tmp_path / "a")


def test_a_name_without_a_speaker_is_refused(tmp_path: Path) -> None:
    folder = write_speechcommands(tmp_path / "a")
    (folder / "go/0a7c2a8d_nohash_0.wav").rename(folder / "go/mine.wav")
    with pytest.raises(InputError, match=r"mine.wav must be named HASH_nohash_NUMBER.wav"):
        speechcommands.load(folder)


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ("", "none of its recordings is in testing_list.txt"),
        ("go/0a7c2a8d_nohash_0.wav\n", "has 0a7c2a8d both in its training part and in its test"),
    ],
)
def test_a_test_of_nobody_or_of_those_who_were_trained_on_is_refused(tmp_path: Path, listed: str, words: str) -> None:
    (write_speechcommands(tmp_path / "a") / "testing_list.txt").write_text(listed)
    with pytest.raises(InputError, match=words):
        speechcommands.load(tmp_path / "a")


def test_a_folder_without_words_is_refused(tmp_path: Path) -> None:
    for name in speechcommands.LISTS:
        (tmp_path / name).write_text("")
    with pytest.raises(InputError, match=r"holds no WORD/HASH_nohash_0.wav"):
        speechcommands.load(tmp_path)


def test_words_that_differ_look_different(tmp_path: Path) -> None:
    rows = speechcommands.load(write_speechcommands(tmp_path / "a")).samples.inputs["speech"].flatten(1).numpy()
    assert np.corrcoef(rows[0], rows[7])[0, 1] < 0.9
