"""Log-mel features of tones and silence, whose answers are known."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mlecs_ray.data import speech
from mlecs_ray.errors import InputError


def _tone(hertz: float, seconds: float = 0.6, rate: int = speech.RATE) -> speech.Floats:
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate).astype(np.float32)


def test_frames_are_25_ms_every_10_ms() -> None:
    """1 second: 1 + (16000 - 400) // 160 = 98 frames."""
    assert speech.log_mel(_tone(440, 1.0)).shape == (98, 80)


def test_a_tone_is_loudest_in_its_own_mel_band() -> None:
    """1000 Hz is 2595 log10(1 + 1000/700) = 1000.0 mel; 8000 Hz is 2840.0; bands lie 2840 / 81 = 35.06 mel apart, so
    1000 mel lies between centres 28 (981.7) and 29 (1016.8), counted from 1: index 27 or 28.
    """
    assert speech.log_mel(_tone(1000)).mean(axis=0).argmax() in (27, 28)


def test_triangles_peak_at_one_or_below_and_cover_all_middle_frequencies() -> None:
    bank = speech.filterbank()
    assert bank.shape == (80, 257)
    assert bank.max() <= 1
    # Between the first and the last centre two neighbours always share a frequency and add up to 1.
    assert np.allclose(bank[:, 10:240].sum(axis=0), 1, atol=1e-5)


def test_silence_at_both_ends_is_cut() -> None:
    """The tone lasts 9600 samples between 8000 zeros; at most a window of 400 stays at either end."""
    sound = np.concatenate([np.zeros(8000), _tone(300), np.zeros(8000)]).astype(np.float32)
    assert 9600 <= len(speech.trim(sound)) <= 9600 + 2 * 400


def test_stereo_at_another_rate_is_brought_to_16_khz_mono(tmp_path: Path) -> None:
    tone = _tone(440, 1.0, 44_100)
    soundfile.write(tmp_path / "a.wav", np.stack([tone, tone], axis=1), 44_100)
    sound = speech.read(tmp_path / "a.wav")
    assert sound.shape == (16_000,)
    assert np.abs(sound[500:-500] - _tone(440, 1.0)[500:-500]).max() < 0.01


def test_features_are_standardised_and_do_not_hear_loudness(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(size=16_000).astype(np.float32)
    soundfile.write(tmp_path / "loud.wav", noise * 0.2, speech.RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "soft.wav", noise * 0.05, speech.RATE, subtype="FLOAT")
    loud, soft = speech.features(tmp_path / "loud.wav"), speech.features(tmp_path / "soft.wav")
    assert loud.shape == (speech.FEATURES,) == (480,)
    assert abs(float(loud.mean())) < 1e-5
    assert abs(float(loud.std()) - 1) < 1e-3
    assert np.abs(loud - soft).max() < 0.02


def test_moments_follow_the_recording(tmp_path: Path) -> None:
    """Low then high: the first three moments are louder in low bands, the last three in high ones."""
    soundfile.write(tmp_path / "a.wav", np.concatenate([_tone(300), _tone(3000)]), speech.RATE)
    moments = speech.features(tmp_path / "a.wav").reshape(6, 80)
    assert [int(m.argmax()) < 40 for m in moments] == [True, True, True, False, False, False]


def test_a_recording_shorter_than_a_window_has_features_too(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", _tone(500, 0.01), speech.RATE)
    assert np.isfinite(speech.features(tmp_path / "a.wav")).all()


@pytest.mark.parametrize("name", ["a.wav", "a.ogg", "a.flac", "a.mp3"])
def test_a_file_in_memory_sounds_as_on_disk(tmp_path: Path, name: str) -> None:
    soundfile.write(tmp_path / name, np.stack([_tone(440, 0.5, 22_050), _tone(600, 0.5, 22_050)], axis=1), 22_050)
    memory = io.BytesIO((tmp_path / name).read_bytes())
    assert np.array_equal(speech.features(memory), speech.features(tmp_path / name))


def test_a_file_in_memory_that_is_no_sound_is_the_users_to_mend() -> None:
    with pytest.raises(InputError, match="the file in memory cannot be read as sound"):
        speech.read(io.BytesIO(b"no sound"))


def test_a_file_that_is_no_sound_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "a.ogg").write_text("no sound")
    with pytest.raises(InputError, match="cannot be read as sound"):
        speech.read(tmp_path / "a.ogg")
