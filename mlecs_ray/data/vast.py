"""VAST-27M: clips of videos, seen, heard and subtitled, each with a caption of all three (arXiv 2305.18500).

The folder, as docs/data.md draws it: annotations as published (``*.json``, each a list of objects), pictures in
``frames*/<clip_id>/`` and sound in ``audio*/<clip_id>.wav``, both extracted by the user: no video is decoded here.

Confirmed on published entries: ``clip_id`` (``<video>.<number>``), ``clip_span``, ``url`` (of the whole video),
``vision_cap`` and ``audio_cap`` (five sentences each), ``subtitle`` and ``vast_cap`` (strings). Confirmed in the
authors' code (VALOR's, and copies of VAST's): their sets for fine-tuning name clips ``video_id`` and captions ``desc``
or ``caption``; media are found by id; frames are files in the order of their names (``frames_fps4/<id>/*.jpg``), sound
is ``<id>.wav`` or ``.mp3`` (``audio_22050hz/``). Assumed: that annotations and media lie side by side in one folder.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlecs_ray.data import speech
from mlecs_ray.data.features import Table
from mlecs_ray.data.media import SHIPPED, Encoders, averaged, chosen, joined, kept, perceived, spread, trace
from mlecs_ray.data.pool import Pool
from mlecs_ray.errors import InputError

MODALITIES = ("video", "audio", "subtitle")
FRAMES = 8
"""Of each clip at most so many pictures are looked at."""
_IDS = ("clip_id", "video_id")
_CAPTIONS = ("vast_cap", "desc", "caption")
_PICTURES = (".jpg", ".jpeg", ".png")
_SOUNDS = (".wav", ".mp3", ".flac", ".ogg")
# Changed whenever the code that makes features changes, so that old ones are not taken for new.
_EDITION = 1


@dataclass(frozen=True)
class Clip:
    """One clip; ``source`` is the video it was cut from, whose clips share the side of a split."""

    key: str
    source: str
    caption: str
    subtitle: str
    frames: tuple[Path, ...]
    sound: Path | None


def load(folder: Path, modalities: Sequence[str] = (), encoders: Encoders = SHIPPED) -> Pool:
    """The clips of ``folder`` with frozen features; texts are captions, ids videos; there are no labels.

    ``video`` is (n, 1280), ``audio`` (n, 480), ``subtitle`` (n, 384); a modality whose file is missing or broken is not
    present. Raises InputError for a folder of another layout, a modality that is not there, or a missing asset.
    """
    clips = read(folder)
    there = {
        "video": any(clip.frames for clip in clips),
        "audio": any(clip.sound for clip in clips),
        "subtitle": any(clip.subtitle for clip in clips),
    }
    tables = {m: _table(m, folder, clips, encoders) for m in chosen("vast", modalities, there)}
    features = joined(tables, [clip.key for clip in clips])
    samples = replace(features, texts=tuple(clip.caption for clip in clips), ids=tuple(clip.source for clip in clips))
    return Pool("vast", perceived(samples), ())


def read(folder: Path) -> tuple[Clip, ...]:
    """The annotated clips that have a caption and pictures or sound, by key. Raises InputError where there are none."""
    entries = _entries(folder)
    frames = _found(folder, "frames*", lambda path: path.name if path.is_dir() else None)
    sounds = _found(folder, "audio*", lambda path: path.stem if path.suffix.lower() in _SOUNDS else None)
    clips = [
        Clip(
            key=key,
            # Clips are numbered within their video: those of one are not split between training and test.
            source=str(entry.get("url") or key.rpartition(".")[0] or key),
            caption=_caption(entry),
            subtitle=" ".join(str(entry.get("subtitle") or "").split()),
            frames=_frames(frames[key]) if key in frames else (),
            sound=sounds.get(key),
        )
        for key, entry in sorted(entries.items())
        if key in frames or key in sounds
    ]
    told = tuple(clip for clip in clips if clip.caption and (clip.frames or clip.sound))
    if not told:
        raise InputError(_nothing(folder, len(entries), len(clips)))
    return told


def _nothing(folder: Path, annotated: int, there: int) -> str:
    if there:
        return f"{folder}: of {there} clips none has a {' or '.join(_CAPTIONS)} and a picture or sound to learn it from"
    return (
        f"{folder} annotates {annotated} clips, but frames*/CLIP/ and audio*/CLIP.wav are there for none, so there is "
        "nothing to see or hear: videos are not decoded here, extract them as docs/data.md says"
    )


def _entries(folder: Path) -> dict[str, Mapping[str, Any]]:
    files = sorted(folder.glob("*.json"))
    if not files:
        raise InputError(f"{folder} holds no annotations (*.json), so it is no folder of vast; docs/data.md draws one")
    entries: dict[str, Mapping[str, Any]] = {}
    for file in files:
        for row, entry in enumerate(_rows(file)):
            key = next((str(entry[name]) for name in _IDS if entry.get(name)), "") if isinstance(entry, dict) else ""
            if not key:
                raise InputError(f"{file} entry {row}: must have a {' or '.join(_IDS)}, or no media belong to it")
            if key in entries:
                raise InputError(f"{file} entry {row}: clip {key!r} is annotated twice, so its caption is not known")
            entries[key] = entry
    return entries


def _rows(file: Path) -> list[Any]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as JSON ({error}), so its clips are not known") from error
    if not isinstance(rows, list):
        raise InputError(f"{file} must be a list of clips, not a JSON {type(rows).__name__}, so its clips are unknown")
    return rows


def _found(folder: Path, pattern: str, key: Callable[[Path], str | None]) -> dict[str, Path]:
    """What lies in the folders of this name, by clip; of two the first counts."""
    inside = [path for base in sorted(folder.glob(pattern)) if base.is_dir() for path in sorted(base.iterdir())]
    return {name: path for path in reversed(inside) if (name := key(path)) is not None}


def _frames(folder: Path) -> tuple[Path, ...]:
    return spread(sorted(path for path in folder.iterdir() if path.suffix.lower() in _PICTURES), FRAMES)


def _caption(entry: Mapping[str, Any]) -> str:
    """The caption, or the first of several."""
    told = next((entry[name] for name in _CAPTIONS if entry.get(name)), "")
    return " ".join(str(told[0] if isinstance(told, list) else told).split())


def _table(modality: str, folder: Path, clips: Sequence[Clip], encoders: Encoders) -> Table:
    name, recipe = f"vast-{modality}", {"pins": encoders.pins, "edition": _EDITION}
    match modality:
        case "video":
            frames = {clip.key: clip.frames for clip in clips if clip.frames}
            of = trace(folder, (path for some in frames.values() for path in some))
            return kept(name, {**recipe, "of": of}, lambda: averaged(frames, encoders.image()))
        case "audio":
            sounds = {clip.key: clip.sound for clip in clips if clip.sound}
            return kept(name, {**recipe, "of": trace(folder, sounds.values())}, lambda: _heard(sounds))
        case _:
            texts = {clip.key: clip.subtitle for clip in clips if clip.subtitle}
            told = list(texts.values())
            return kept(name, {**recipe, "of": texts}, lambda: dict(zip(texts, encoders.text(told), strict=True)))


def _heard(sounds: Mapping[str, Path]) -> Table:
    with ThreadPoolExecutor(2) as pool:
        rows = zip(sounds, pool.map(_audible, sounds.values()), strict=True)
        return {key: row for key, row in rows if row is not None}


def _audible(path: Path) -> speech.Floats | None:
    try:
        row = speech.features(path)
    except InputError:
        return None
    return row if np.isfinite(row).all() else None
