"""Spectrograms of tones and silence, whose answers are known."""

import numpy as np
import pytest

from mlecs_ray.data.spectrogram import loudest, spectrogram
from mlecs_ray.data.speech import RATE, Floats


def _tone(hertz: float, seconds: float = 0.5) -> Floats:
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE).astype(np.float32)


def test_a_tone_is_loudest_in_its_own_band() -> None:
    """1000 Hz is 1000.0 mel; bands lie 2840.0 / 33 = 86.06 mel apart, so it lies between centres 11 (946.7) and 12
    (1032.7), counted from 1: index 10 or 11.
    """
    got = spectrogram(_tone(1000))
    assert got.shape == (1, 32, 32)
    assert got[0].mean(axis=1).argmax() in (10, 11)


def test_moments_run_from_the_beginning_to_the_end() -> None:
    got = spectrogram(np.concatenate([_tone(300), _tone(3000)]))[0]
    assert got[:16, 2:14].mean() > got[16:, 2:14].mean()
    assert got[:16, 18:30].mean() < got[16:, 18:30].mean()


def test_loudness_is_not_seen() -> None:
    word = np.concatenate([_tone(300, 0.2), _tone(900, 0.2)])
    assert np.allclose(spectrogram(word), spectrogram(word / 10), atol=0.01)


def test_silence_around_and_slow_speech_change_little() -> None:
    word = np.concatenate([_tone(300, 0.2), _tone(900, 0.2)])
    still = np.zeros(5000, np.float32)
    for same in (np.concatenate([still, word, still[:3000]]), np.concatenate([_tone(300, 0.4), _tone(900, 0.4)])):
        assert np.corrcoef(spectrogram(word).ravel(), spectrogram(same).ravel())[0, 1] > 0.8


def test_values_have_mean_0_and_deviation_1() -> None:
    got = spectrogram(_tone(500))
    assert float(got.mean()) == pytest.approx(0, abs=1e-5)
    assert float(got.std()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("sound", [np.zeros(8000), np.ones(3), np.zeros(1)])
def test_silence_and_clicks_are_finite(sound: Floats) -> None:
    assert np.isfinite(spectrogram(sound.astype(np.float32))).all()


def test_of_a_long_recording_the_loudest_second_counts() -> None:
    """16,000 samples of 1 in 40,000 of 0.1, from sample 9,000 on."""
    sound = np.full(40_000, 0.1, dtype=np.float32)
    sound[9_000:25_000] = 1
    assert loudest(sound).tolist() == [1.0] * RATE
    assert len(loudest(sound[:700])) == 700
