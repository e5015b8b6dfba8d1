"""Syllables: 1,200 syllables of Mandarin said by two people, told apart by the consonant that they begin with."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch

from mlecs_ray.data import assets, speech
from mlecs_ray.data.features import Table, cached, column
from mlecs_ray.data.pool import Pool
from mlecs_ray.data.spectrogram import SIDE, spectrogram
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

_PINYIN = ("b", "p", "m", "f", "d", "t", "n", "l", "g", "k", "h", "j", "q", "x", "zh", "ch", "sh", "r", "z", "c", "s")
INITIALS = dict(zip("ㄅㄆㄇㄈㄉㄊㄋㄌㄍㄎㄏㄐㄑㄒㄓㄔㄕㄖㄗㄘㄙ", _PINYIN, strict=True))
"""The consonants: letters of Bopomofo, in which the recordings' folders are named, with their Pinyin."""
CLASSES = (*INITIALS.values(), "vowel")
# The name of a letter of Bopomofo sounds as the syllable does that has this vowel.
_NAMED = {**dict.fromkeys("ㄅㄆㄇㄈ", "ㄛ"), **dict.fromkeys("ㄉㄊㄋㄌㄍㄎㄏ", "ㄜ"), **dict.fromkeys("ㄐㄑㄒ", "ㄧ")}
# Changed whenever the code that makes spectrograms changes, so that old ones are not taken for new.
_EDITION = 1


@dataclass(frozen=True)
class Recording:
    """One syllable said once; ``syllable`` is in Bopomofo without tone, ``tone`` 1 to 4, or 5 where it has none."""

    syllable: str
    tone: int
    voice: str
    file: Path

    @property
    def key(self) -> str:
        """Unlike that of any other recording."""
        return f"{self.syllable}{self.tone} {self.voice}"

    @property
    def label(self) -> int:
        """Of its first sound, in ``CLASSES``."""
        return CLASSES.index(INITIALS.get(self.syllable[0], "vowel"))

    @property
    def identity(self) -> str:
        """Its syllable in all tones and voices: the test has syllables that nobody was trained on."""
        return self.syllable + _NAMED.get(self.syllable, "")


def load() -> Pool:
    """2,358 recordings; ``speech`` is (n, 1, 32, 32) of ``spectrogram``, domains are a voice and tone.

    Raises InputError where the asset was not fetched.
    """
    recordings = read(assets.find("syllables") / "usr" / "share" / "gcin-voice" / "ogg")
    recipe = {"assets": [assets.lookup("syllables").sha256], "edition": _EDITION}
    table = cached("syllables", recipe, lambda: _heard(recordings))
    rows, _ = column(table, [one.key for one in recordings])
    samples = Samples(
        inputs={"speech": rows.view(-1, 1, SIDE, SIDE)},
        labels=torch.tensor([one.label for one in recordings]),
        ids=tuple(one.identity for one in recordings),
        domains=tuple(f"voice-{one.voice}-tone-{one.tone}" for one in recordings),
    )
    return Pool("syllables", samples, CLASSES)


def read(folder: Path) -> tuple[Recording, ...]:
    """All ``SYLLABLE/VOICE.ogg`` below ``folder``, in the order of their names. Raises InputError where none is."""
    found = tuple(_recording(file) for file in sorted(folder.glob("*/*.ogg")))
    if not found:
        raise InputError(f"{folder} holds no recordings (SYLLABLE/VOICE.ogg), so there is nothing to learn from")
    return found


def _recording(file: Path) -> Recording:
    syllable = file.parent.name.rstrip("1234")
    # What has no number is in the first tone, a 1 stands for none.
    tone = {"": 1, "1": 5}.get(file.parent.name[len(syllable) :], 0) or int(file.parent.name[-1])
    return Recording(syllable, tone, file.stem, file)


def _heard(recordings: Sequence[Recording]) -> Table:
    with ThreadPoolExecutor(2) as pool:
        pictures = pool.map(lambda one: spectrogram(speech.read(one.file)).ravel(), recordings)
        return {one.key: picture for one, picture in zip(recordings, pictures, strict=True)}
