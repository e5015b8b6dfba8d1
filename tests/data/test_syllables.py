"""Syllables, read from a small folder laid out like the package, and from the package itself."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mlecs_ray.data import syllables
from mlecs_ray.data.dataset import Split, load
from mlecs_ray.errors import InputError
from tests.data.laid import lay

_FILES = ("ㄅㄚ/3", "ㄅㄚ/5", "ㄅㄚ4/3", "ㄅㄚ1/3", "ㄅ/3", "ㄅㄛ2/3", "ㄓㄨㄥ/5", "ㄚ/5")


def _ogg(hertz: float) -> bytes:
    file = io.BytesIO()
    tone = np.sin(2 * np.pi * hertz * np.arange(6400) / 16_000) * 0.5
    soundfile.write(file, tone, 16_000, format="OGG")
    return file.getvalue()


@pytest.fixture
def small(own_cache: Path) -> Path:
    """Eight recordings, tones of 300, 400, .. Hz."""
    del own_cache
    files = {f"usr/share/gcin-voice/ogg/{name}.ogg": _ogg(300 + 100 * i) for i, name in enumerate(_FILES)}
    return lay("syllables", files) / "usr/share/gcin-voice/ogg"


def test_a_label_is_the_first_consonant_in_pinyin(small: Path) -> None:
    labels = {one.syllable: syllables.CLASSES[one.label] for one in syllables.read(small)}
    assert labels == {"ㄅㄚ": "b", "ㄅ": "b", "ㄅㄛ": "b", "ㄓㄨㄥ": "zh", "ㄚ": "vowel"}


def test_tones_are_in_the_folders_names(small: Path) -> None:
    """Without a number it is the first; a 1 stands for none, which is the fifth."""
    tones = {one.file.parent.name: one.tone for one in syllables.read(small)}
    assert tones == {"ㄅ": 1, "ㄅㄚ": 1, "ㄅㄚ1": 5, "ㄅㄚ4": 4, "ㄅㄛ2": 2, "ㄓㄨㄥ": 1, "ㄚ": 1}


def test_a_syllable_in_all_tones_and_voices_and_a_letters_name_are_one_identity(small: Path) -> None:
    identities = {one.file.parent.name: one.identity for one in syllables.read(small)}
    assert identities["ㄅㄚ"] == identities["ㄅㄚ4"] == identities["ㄅㄚ1"]
    assert identities["ㄅ"] == identities["ㄅㄛ2"] != identities["ㄅㄚ"]


@pytest.mark.usefixtures("small")
def test_spectrograms_are_pictures_and_domains_voices_and_tones() -> None:
    pool = syllables.load()
    assert pool.samples.inputs["speech"].shape == (8, 1, 32, 32)
    assert set(pool.samples.domains) == {f"voice-{v}-tone-{t}" for v, t in ("31", "51", "34", "35", "32")}
    assert len(pool.classes) == 22


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no recordings"):
        syllables.read(tmp_path)


@pytest.mark.slow
def test_the_real_recordings_are_of_two_voices_and_no_syllable_is_on_two_sides() -> None:
    """Counted in the package by file names: 1,200 of voice 3 and 1,158 of voice 5."""
    samples = syllables.load().samples
    voices = [domain[6] for domain in samples.domains]
    assert (voices.count("3"), voices.count("5")) == (1200, 1158)
    assert len(set(samples.ids)) == 401
    assert samples.labels is not None
    assert (int(samples.labels.bincount().min()), int(samples.labels.bincount().max())) == (56, 247)
    data = load("syllables", seed=2, split=Split(public=0.3, test=0.2))
    assert not set(data.train.ids) & set(data.test.ids)
