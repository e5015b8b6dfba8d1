"""Spoken words as features: log-mel frames, pooled over a few moments; numpy only."""

import importlib
import itertools
import math
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from mlecs_ray.errors import InputError

Floats = NDArray[np.float32]

RATE = 16_000
"""Samples per second that all recordings are brought to."""
MELS = 80
MOMENTS = 6
FEATURES = MELS * MOMENTS
"""Width of ``features``."""
WINDOW = RATE * 25 // 1000
"""Samples in a frame: 25 ms."""
_HOP, _FFT = RATE * 10 // 1000, 512
_SILENCE_DB = -40.0


def read(source: Path | BinaryIO) -> Floats:
    """A recording, on disk or in memory, as mono samples at ``RATE``; raises InputError where it is no sound file."""
    try:
        sound, rate = soundfile.read(source, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        name = source if isinstance(source, Path) else "the file in memory"
        raise InputError(f"{name} cannot be read as sound ({error}), so it has no features") from error
    return resampled(sound.mean(axis=1), rate)


def resampled(mono: Floats, rate: int) -> Floats:
    """Mono samples of another rate, brought to ``RATE``."""
    shared = math.gcd(rate, RATE)
    # Imported here, as it takes a second that a run with cached features need not spend.
    resample = importlib.import_module("scipy.signal").resample_poly
    return np.asarray(resample(mono, RATE // shared, rate // shared), dtype=np.float32)


def trim(sound: Floats) -> Floats:
    """Without the silence at both ends: frames 40 dB below the loudest frame."""
    power = np.square(_frames(sound)).mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (_SILENCE_DB / 10))
    return sound if loud.size == 0 else sound[loud[0] * _HOP : loud[-1] * _HOP + WINDOW]


def log_mel(sound: Floats) -> Floats:
    """(frames, ``MELS``) natural log of the power in each mel band; 25 ms Hann windows every 10 ms."""
    return np.asarray(np.log(mel_power(_frames(sound)) + 1e-6), dtype=np.float32)


def mel_power(frames: Floats, bands: int = MELS) -> Floats:
    """(n, bands) power in each mel band of (n, ``WINDOW``) samples at ``RATE``, seen through a Hann window."""
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), _FFT)) ** 2
    return np.asarray(spectrum @ filterbank(bands).T, dtype=np.float32)


def filterbank(bands: int = MELS) -> Floats:
    """(bands, bins) triangles, equally wide in mel = 2595 log10(1 + hertz / 700), from 0 to 8 kHz."""
    top = 2595 * math.log10(1 + RATE / 2 / 700)
    hertz = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(_FFT, 1 / RATE)
    rising = (bins - hertz[:-2, None]) / np.diff(hertz)[:-1, None]
    falling = (hertz[2:, None] - bins) / np.diff(hertz)[1:, None]
    return np.asarray(np.maximum(0, np.minimum(rising, falling)), dtype=np.float32)


def features(source: Path | BinaryIO) -> Floats:
    """(``FEATURES``,) of a recording, on disk or in memory; raises InputError where it is no sound file."""
    return pooled(read(source))


def pooled(sound: Floats) -> Floats:
    """(``FEATURES``,) of mono samples at ``RATE``: log-mel, averaged over six equal moments, standardised over itself.

    Standardising each recording by its own mean and deviation takes the loudness away and needs no statistics of
    other recordings, so nothing of a test set can leak, and Serve can encode one recording alone.
    """
    frames = log_mel(trim(sound))
    edges = np.linspace(0, len(frames), MOMENTS + 1)
    moments = [frames[int(a) : max(int(b), int(a) + 1)].mean(axis=0) for a, b in itertools.pairwise(edges)]
    row = np.concatenate(moments)
    return np.asarray((row - row.mean()) / (row.std() + 1e-6), dtype=np.float32)


def _frames(sound: Floats) -> Floats:
    """(frames, window) overlapping views; a recording shorter than one window is filled with zeros."""
    padded = np.pad(sound, (0, max(0, WINDOW - len(sound))))
    return np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::_HOP]
