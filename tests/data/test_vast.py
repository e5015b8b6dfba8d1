"""VAST, read from a small folder of the public layout."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from mlecs_ray.data import vast
from mlecs_ray.data.pool import Pool
from mlecs_ray.errors import InputError
from tests.data.recorded import encoders, entry, grey, lend_assets, tone, write_vast

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_vast(tmp_path / "vast")


def annotate(folder: Path, *entries: Any) -> None:
    (folder / "annotations.json").write_text(json.dumps(entries))


def load(folder: Path, *modalities: str, name: str = "fake") -> Pool:
    return vast.load(folder, modalities, encoders(name))


def present(pool: Pool) -> dict[str, list[bool]]:
    return {modality: mask.tolist() for modality, mask in pool.samples.present.items()}


def test_a_clip_has_caption_video_subtitle_pictures_and_sound(folder: Path) -> None:
    whole, mute, unseen = vast.read(folder)
    assert (whole.key, whole.source) == ("v0.0", "https://www.youtube.com/watch?v=v0")
    assert whole.caption == "A cat meows as someone speaks of v0.0."
    assert whole.subtitle == "Look at number v0.0."
    assert whole.sound == folder / "audio" / "v0.0.wav"
    assert (mute.sound, mute.subtitle) == (None, "")
    assert unseen.frames == ()


def test_at_most_eight_pictures_of_a_clip_are_looked_at(folder: Path) -> None:
    """Ten in eight parts of 1.25 each: the middles fall into all but the third and the eighth."""
    names = [path.name for path in vast.read(folder)[0].frames]
    assert names == [f"frame_{number:04d}.jpg" for number in (1, 2, 4, 5, 6, 7, 9, 10)]


def test_what_a_clip_lacks_is_not_present_and_never_made_up(folder: Path) -> None:
    pool = load(folder)
    assert present(pool) == {
        "video": [True, True, False],
        "audio": [True, False, True],
        "subtitle": [True, False, True],
    }
    assert torch.equal(pool.samples.inputs["video"][2], torch.zeros(3))
    assert {modality: rows.shape[1] for modality, rows in pool.samples.inputs.items()} == {
        "video": 3,
        "audio": 480,
        "subtitle": 1,
    }


def test_captions_are_what_is_learned_and_there_are_no_labels(folder: Path) -> None:
    pool = load(folder)
    assert pool.samples.texts[0] == "A cat meows as someone speaks of v0.0."
    assert (pool.samples.labels, pool.classes) == (None, ())


def test_clips_of_one_video_are_one_identity(tmp_path: Path) -> None:
    ids = load(write_vast(tmp_path / "two", videos=2)).samples.ids
    assert len(ids) == 6
    assert len(set(ids)) == 2


def test_only_the_modalities_asked_for_are_read_and_who_has_none_is_left_out(folder: Path) -> None:
    pool = load(folder, "audio")
    assert pool.samples.modalities == {"audio"}
    assert pool.samples.texts == tuple(f"A cat meows as someone speaks of v0.{clip}." for clip in (0, 2))


def test_a_modality_of_which_there_is_nothing_is_left_out(folder: Path) -> None:
    annotate(folder, entry("v0.0", subtitle=""), entry("v0.1", subtitle=None))
    assert load(folder).samples.modalities == {"video", "audio"}


@pytest.mark.parametrize("content", [b"", b"no sound", b"RIFF\x24\x00\x00\x00WAVEfmt "])
def test_a_clip_with_broken_sound_has_no_audio(folder: Path, content: bytes) -> None:
    (folder / "audio" / "v0.0.wav").write_bytes(content)
    assert present(load(folder))["audio"] == [False, False, True]


def test_a_sound_that_is_no_number_is_broken(folder: Path) -> None:
    soundfile.write(folder / "audio" / "v0.0.wav", np.full(4000, np.nan), 16000, subtype="FLOAT")
    assert present(load(folder))["audio"] == [False, False, True]


def test_a_clip_whose_pictures_are_all_broken_has_no_video(folder: Path) -> None:
    for path in (folder / "frames" / "v0.0").iterdir():
        path.write_bytes(b"no picture")
    assert present(load(folder))["video"] == [False, True, False]


def test_a_modality_whose_files_are_all_broken_is_refused(folder: Path) -> None:
    for path in (folder / "audio").iterdir():
        path.write_bytes(b"no sound")
    with pytest.raises(InputError, match="vast-audio: not one file of this modality can be read"):
        load(folder)
    assert load(folder, "video", "subtitle").samples.modalities == {"video", "subtitle"}


def test_features_are_kept_until_a_file_or_the_encoder_changes(folder: Path) -> None:
    before = load(folder, "video").samples.inputs["video"]
    assert torch.equal(load(folder, "video").samples.inputs["video"], before)
    for path in (folder / "frames" / "v0.0").iterdir():
        grey(path, 255)
    assert not torch.equal(load(folder, "video").samples.inputs["video"], before)


def test_other_encoders_are_not_given_the_features_of_these(folder: Path, own_cache: Path) -> None:
    load(folder, "subtitle")
    load(folder, "subtitle", name="other")
    assert len(list(own_cache.glob("derived/vast-subtitle-*"))) == 2


def test_clips_that_were_not_downloaded_or_not_captioned_are_left_out(folder: Path) -> None:
    annotate(folder, entry("v0.0"), entry("gone.7"), entry("v0.1", vast_cap=" "))
    assert [clip.key for clip in vast.read(folder)] == ["v0.0"]


def test_clips_of_one_video_have_one_source_with_or_without_its_address(folder: Path) -> None:
    annotate(folder, *({**entry(f"v0.{number}"), "url": None} for number in (0, 1)))
    assert {clip.source for clip in vast.read(folder)} == {"v0"}


@pytest.mark.parametrize("told", [{"desc": ["One.", "Two."]}, {"desc": "One."}, {"caption": "One."}])
def test_the_authors_sets_for_fine_tuning_are_read_too(folder: Path, told: dict[str, Any]) -> None:
    annotate(folder, {"video_id": "v0.0", "subtitle": "Look.", **told})
    assert [(clip.source, clip.caption) for clip in vast.read(folder)] == [("v0", "One.")]


def test_the_authors_names_of_folders_are_found_too(folder: Path) -> None:
    (folder / "frames").rename(folder / "frames_fps4")
    (folder / "audio").rename(folder / "audio_22050hz")
    assert vast.read(folder)[0].frames[0].parent == folder / "frames_fps4" / "v0.0"
    assert vast.read(folder)[0].sound == folder / "audio_22050hz" / "v0.0.wav"


def test_sound_may_be_flac(folder: Path) -> None:
    (folder / "audio" / "v0.0.wav").unlink()
    tone(folder / "audio" / "v0.0.flac", 300.0)
    assert present(load(folder))["audio"] == [True, False, True]


def test_a_folder_without_annotations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no annotations \(\*.json\), so it is no folder of vast"):
        vast.read(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "annotations.json cannot be read as JSON"),
        ("[{", "annotations.json cannot be read as JSON"),
        ('{"clip_id": "v0.0"}', "annotations.json must be a list of clips, not a JSON dict"),
        ('[{"url": "x"}]', "annotations.json entry 0: must have a clip_id or video_id, or no media belong to it"),
        ('[{"clip_id": "v0.0"}, "v0.1"]', "annotations.json entry 1: must have a clip_id or video_id"),
        ('[{"clip_id": "a"}, {"clip_id": "a"}]', "annotations.json entry 1: clip 'a' is annotated twice"),
        ('[{"clip_id": "v0.0"}]', "of 1 clips none has a vast_cap or desc or caption and a picture or sound"),
    ],
)
def test_annotations_of_another_kind_are_refused(folder: Path, text: str, words: str) -> None:
    (folder / "annotations.json").write_text(text)
    with pytest.raises(InputError, match=words):
        vast.read(folder)


def test_videos_that_were_not_extracted_are_refused(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "v0.0.mp4").write_bytes(b"film")
    annotate(tmp_path, entry("v0.0"))
    with pytest.raises(InputError, match=r"annotates 1 clips, but .* extract them as docs/data.md says"):
        vast.read(tmp_path)


@pytest.mark.slow
def test_the_shipped_encoders_make_features_of_their_widths(folder: Path, own_cache: Path) -> None:
    lend_assets(own_cache)
    inputs = vast.load(folder).samples.inputs
    assert {modality: rows.shape[1] for modality, rows in inputs.items()} == {
        "video": 1280,
        "audio": 480,
        "subtitle": 384,
    }
