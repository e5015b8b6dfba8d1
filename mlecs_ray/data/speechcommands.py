"""Speech Commands: 35 words, each said by many people, in recordings of a second (Warden, arXiv 1804.03209).

Confirmed by the paper and in torchaudio's reader: folders named for their word, ``HASH_nohash_NUMBER.wav`` of 16,000
samples a second, where HASH is the speaker; ``validation_list.txt`` and ``testing_list.txt`` with a ``WORD/FILE.wav``
in each row, made so that nobody is in two parts; noise in ``_background_noise_``, which is no word.
"""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import soundfile
import torch

from mlecs_ray.data import speech
from mlecs_ray.data.features import Table, column
from mlecs_ray.data.media import kept, trace
from mlecs_ray.data.pool import Pool, set_apart
from mlecs_ray.data.spectrogram import SIDE, spectrogram
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

LISTS = ("validation_list.txt", "testing_list.txt")
_FILE = re.compile(r"(\w+)_nohash_\d+\.wav")
# Changed whenever the code that makes spectrograms changes, so that old ones are not taken for new.
_EDITION = 1


@dataclass(frozen=True)
class Word:
    """One recording; ``key`` is WORD/FILE.wav."""

    key: str
    speaker: str

    @property
    def said(self) -> str:
        """The word."""
        return self.key.partition("/")[0]


def load(folder: Path) -> Pool:
    """``speech`` is (n, 1, 32, 32) of ``spectrogram``; labels are words, ids and domains speakers.

    What ``testing_list.txt`` names is the test; what ``validation_list.txt`` names is training data as the rest.
    Raises InputError where a list is missing, a recording is broken or of another rate, or nobody is tested.
    """
    words = read(folder)
    recipe = {"of": trace(folder, [folder / word.key for word in words]), "edition": _EDITION}
    table = kept("speechcommands", recipe, lambda: _heard(folder, words))
    classes = tuple(sorted({word.said for word in words}))
    number = {word: i for i, word in enumerate(classes)}
    people = tuple(word.speaker for word in words)
    held = _listed(folder)
    samples = Samples(
        inputs={"speech": column(table, [word.key for word in words])[0].view(-1, 1, SIDE, SIDE)},
        labels=torch.tensor([number[word.said] for word in words]),
        ids=people,
        domains=people,
    )
    test = set_apart("speechcommands", people, [word.key in held for word in words])
    if not test:
        raise InputError(f"{folder}: none of its recordings is in {LISTS[1]}, so there is nothing to test on")
    return Pool("speechcommands", samples, classes, test)


def read(folder: Path) -> tuple[Word, ...]:
    """All recordings, by word and file. Raises InputError where a list is missing, or a name tells no speaker."""
    missing = [name for name in LISTS if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{folder} holds no {missing[0]}, so it is no folder of speechcommands; docs/data.md draws one"
        )
    files = [file for file in sorted(folder.glob("*/*.wav")) if not file.parent.name.startswith(("_", "."))]
    if not files:
        raise InputError(f"{folder} holds no WORD/HASH_nohash_0.wav, so there is nothing to learn from")
    return tuple(_word(file) for file in files)


def _word(file: Path) -> Word:
    match = _FILE.fullmatch(file.name)
    if match is None:
        raise InputError(f"{file} must be named HASH_nohash_NUMBER.wav, or nobody knows who speaks")
    return Word(f"{file.parent.name}/{file.name}", match[1])


def _listed(folder: Path) -> frozenset[str]:
    try:
        return frozenset((folder / LISTS[1]).read_text(encoding="utf-8").split())
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / LISTS[1]} cannot be read ({error}), so nobody knows what the test is") from error


def _heard(folder: Path, words: Sequence[Word]) -> Table:
    with ThreadPoolExecutor(2) as pool:
        pictures = pool.map(lambda word: spectrogram(_sound(folder / word.key)).ravel(), words)
        return {word.key: picture for word, picture in zip(words, pictures, strict=True)}


def _sound(file: Path) -> speech.Floats:
    try:
        sound, rate = soundfile.read(file, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise InputError(f"{file} cannot be read as sound ({error}): unpack the archive anew") from error
    if rate != speech.RATE or not len(sound):
        raise InputError(
            f"{file} has {len(sound)} samples at {rate} a second, must have some at {speech.RATE}, as all that are "
            "published: it is another recording, or damaged"
        )
    mono: speech.Floats = sound.mean(axis=1)
    return mono
