"""Folders laid out as those of VAST-27M and UR Fall Detection, with a few tiny pictures, sounds and tables."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image
from torch import Tensor

from mlecs_ray import cache
from mlecs_ray.data.media import Encoders

KINECT = (("fall", 2, 90), ("adl", 2, 60))
"""Kind, how many recordings, frames of each."""
_FETCHED = cache.root() / "assets"


def lend_assets(own_cache: Path) -> None:
    """The assets that were fetched, in a test's own cache."""
    own_cache.mkdir(exist_ok=True)
    (own_cache / "assets").symlink_to(_FETCHED)


def encoders(name: str = "fake") -> Encoders:
    """Of a picture the mean of its three channels, of a sentence its length: no asset is needed."""
    return Encoders(image=lambda: _channels, text=_lengths, pins=(name,))


def _channels(pictures: Tensor) -> Tensor:
    return pictures.mean(dim=(2, 3))


def _lengths(texts: Sequence[str]) -> np.ndarray:
    return np.array([[len(text)] for text in texts], dtype=np.float32)


def grey(path: Path, level: int, kind: type = np.uint8) -> Path:
    """A picture of one level, 4 x 6."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 6), level, dtype=kind)).save(path)
    return path


def entry(key: str, **changes: Any) -> dict[str, Any]:
    """An annotation with the keys that VAST-27M publishes."""
    return {
        "clip_id": key,
        "clip_span": ["00:00:01.000", "00:00:09.500"],
        "url": f"https://www.youtube.com/watch?v={key.rpartition('.')[0]}",
        "vision_cap": ["a cat is on a mat"] * 5,
        "audio_cap": ["a cat meows"] * 5,
        "subtitle": f"Look at number {key}.",
        "vast_cap": f"A cat meows as someone speaks of {key}.",
        **changes,
    }


def write_vast(folder: Path, videos: int = 1) -> Path:
    """Of each video three clips: ``.0`` has everything, ``.1`` neither sound nor subtitle, ``.2`` no pictures."""
    entries = [
        entry(f"v{v}.{clip}", **({"subtitle": ""} if clip == 1 else {})) for v in range(videos) for clip in range(3)
    ]
    for v in range(videos):
        for clip in (0, 1):
            for frame in range(1, 11):
                grey(folder / "frames" / f"v{v}.{clip}" / f"frame_{frame:04d}.jpg", 20 * frame)
        for clip in (0, 2):
            tone(folder / "audio" / f"v{v}.{clip}.wav", 200.0 * (v + 1))
    (folder / "annotations.json").write_text(json.dumps(entries))
    return folder


def tone(path: Path, hertz: float) -> Path:
    """Half a second of it, at 22050 readings a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * hertz * np.arange(11025) / 22050), 22050)
    return path


def write_urfall(folder: Path, recordings: Sequence[tuple[str, int, int]] = KINECT) -> Path:
    """Every sixth frame as a picture, tables without header; who falls goes down in frames 31..40 and lies from 41."""
    postures: Mapping[str, list[str]] = {"fall": [], "adl": []}
    for kind, count, frames in recordings:
        for number in range(1, count + 1):
            name = f"{kind}-{number:02d}"
            _record(folder, name, frames)
            postures[kind] += [f"{name},{frame},{_posture(frame)},3.1,2.9" for frame in range(6, frames + 1)]
    (folder / "urfall-cam0-falls.csv").write_text("\n".join(postures["fall"]) + "\n")
    (folder / "urfall-cam0-adls.csv").write_text("\n".join(postures["adl"]) + "\n")
    return folder


def _posture(frame: int) -> int:
    return -1 if frame <= 30 else 0 if frame <= 40 else 1


def _record(folder: Path, name: str, frames: int) -> None:
    for frame in range(1, frames + 1, 6):
        grey(folder / f"{name}-cam0-rgb" / f"{name}-cam0-rgb-{frame:03d}.png", frame)
        # Archives unpack into a folder of the same name.
        depth = f"{name}-cam0-d"
        grey(folder / depth / depth / f"{depth}-{frame:03d}.png", 30000, np.uint16)
    clock = [f"{frame},{round((frame - 1) * 1000 / 30)}" for frame in range(1, frames + 1)]
    (folder / f"{name}-data.csv").write_text("\n".join(clock) + "\n")
    rows = [f"{ms},{1 + ms / 1000},{ms / 1000},0.5,-1" for ms in range(0, round(frames * 1000 / 30), 10)]
    (folder / f"{name}-acc.csv").write_text("\n".join(rows) + "\n")
