"""A spoken word as a small picture: mel bands by moments; numpy only."""

import numpy as np

from mlecs_ray.data import speech
from mlecs_ray.data.speech import RATE, WINDOW, Floats

SIDE = 32
"""Bands and moments."""
# 60 dB below the loudest: what is quieter is the microphone's.
_FLOOR = 1e-6


def spectrogram(sound: Floats) -> Floats:
    """(1, 32, 32) of mono samples at ``speech.RATE``: mel bands, the lowest first, by 32 moments evenly spaced.

    The silence at both ends is cut, and of what is longer than a second the loudest second counts. Values are natural
    logs of power, brought to mean 0 and deviation 1 over the recording itself: loudness is gone, and nothing of other
    recordings is needed. Speech that is slower looks the same.
    """
    word = loudest(speech.trim(sound))
    padded = np.pad(word, (WINDOW // 2, WINDOW - WINDOW // 2))
    starts = np.linspace(0, len(word), SIDE).astype(np.int64)
    power = speech.mel_power(np.stack([padded[start : start + WINDOW] for start in starts]), SIDE)
    levels = np.log(power + _FLOOR * power.max() + np.finfo(np.float32).tiny).T[None]
    return np.asarray((levels - levels.mean()) / (levels.std() + 1e-6), dtype=np.float32)


def loudest(sound: Floats) -> Floats:
    """The second of ``sound`` that has the most power, or all of it where that is shorter."""
    if len(sound) <= RATE:
        return sound
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    start = int((energy[RATE:] - energy[:-RATE]).argmax())
    return sound[start : start + RATE]
