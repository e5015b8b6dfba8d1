"""Emoji as people to be found again: two vendors' pictures as two cameras, line art as sketches, words as witnesses.

[ours] No person re-identification data is in any package, so 1,647 emoji stand for identities. Camera A draws in
Google's style, camera B in Twitter's; the sketch is OpenMoji's black line art, sentences are its name (A) and its tags
(B). Infrared is **derived** from the colour picture of the same camera, as no sensor saw it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load_file, save_file

from mlecs_ray import cache
from mlecs_ray.data import assets
from mlecs_ray.data.emoji import Emoji, plain, read
from mlecs_ray.data.pool import Pool
from mlecs_ray.data.rasters import on_white, opened
from mlecs_ray.data.reid.views import Part, Pixels, Row, Size, pool
from mlecs_ray.seeds import generator

SIDE = 64
CAMERAS = {"A": ("emoji-google", "package/img/google/64"), "B": ("emoji-twitter", "package/img/twitter/64")}
"""Each with its asset and the folder in it that has a picture for every code."""
_SKETCHES = "package/black/svg"
_WORDS = "package/data/openmoji.json"
# Their line art is an empty rectangle, so nobody could be found by it.
_BLANK = "country-flag"
_FILE = "pictures.safetensors"
# Changed whenever the code that draws changes, so that old pictures are not taken for new.
_EDITION = 2


@dataclass(frozen=True)
class _Known:
    emoji: Emoji
    files: Mapping[str, Path]
    """By camera, and its ``sketch``."""
    name: str
    tags: str


def load() -> Pool:
    """Two rows for each emoji, one a camera: ``rgb``, ``ir`` and ``text``, and the ``sketch`` with the first.

    Identities are emoji; a man, a woman and a person who do the same are three, which no split separates. Raises
    InputError where an asset was not fetched.
    """
    known = list(_known())
    drawn = load_file(cache.build_once(_folder(), lambda part: save_file(_drawn(known), part / _FILE)) / _FILE)
    rows = [
        Row(one.emoji.code, camera, parts, family=one.emoji.identity)
        for place, one in enumerate(known)
        for camera, parts in _seen(one, {source: pictures[place] for source, pictures in drawn.items()})
    ]
    return pool("emojireid", rows, Size(SIDE, SIDE, words=32))


def infrared(rgb: Pixels, *who: str) -> Pixels:
    """(1, h, w) of (3, h, w): luminance (ITU-R BT.601) turned over, so that white is cold, at half the resolution and
    with a sensor's noise of 10 grey levels. Derived, not sensed."""
    luminance = np.tensordot(np.array([0.299, 0.587, 0.114]), rgb.astype(np.float64), 1)
    coarse = (255 - luminance).reshape(rgb.shape[1] // 2, 2, rgb.shape[2] // 2, 2).mean((1, 3))
    noisy = coarse + 10 * generator(0, "infrared", *who).standard_normal(coarse.shape)
    wide: Pixels = noisy.clip(0, 255).round().astype(np.uint8).repeat(2, 0).repeat(2, 1)
    return wide[None]


def _known() -> Iterator[_Known]:
    """All emoji that every source has."""
    words = {plain(one["hexcode"]): one for one in json.loads((assets.find("openmoji") / _WORDS).read_text("utf-8"))}
    files = {camera: _files(asset, folder) for camera, (asset, folder) in CAMERAS.items()}
    files["sketch"] = _files("openmoji", _SKETCHES)
    for emoji in read(assets.find("emoji-google") / "package" / "emoji.json"):
        if emoji.subgroup != _BLANK and emoji.code in words and all(emoji.code in one for one in files.values()):
            said = words[emoji.code]
            tags = dict.fromkeys(tag.strip() for key in ("tags", "openmoji_tags") for tag in said[key].split(","))
            yield _Known(
                emoji,
                {source: one[emoji.code] for source, one in files.items()},
                said["annotation"],
                ", ".join(tag for tag in tags if tag),
            )


def _files(asset: str, folder: str) -> dict[str, Path]:
    return {plain(file.stem): file for file in sorted((assets.find(asset) / folder).iterdir())}


def _folder() -> Path:
    used = [asset for asset, _ in CAMERAS.values()] + ["openmoji"]
    return cache.derived("emojireid", {"assets": [assets.lookup(one).sha256 for one in used], "edition": _EDITION})


def _drawn(known: list[_Known]) -> dict[str, NDArray[np.uint8]]:
    """(n, channels, 64, 64) by source."""
    return {
        # A file of tensors takes numbers as they lie in memory, whatever their order.
        source: np.ascontiguousarray(
            np.stack([_picture(one.files[source], 1 if source == "sketch" else 3) for one in known])
        )
        for source in (*CAMERAS, "sketch")
    }


def _picture(file: Path, channels: int) -> Pixels:
    with opened(file, 2 * SIDE) as image:
        drawn = on_white(image).convert("RGB" if channels == 3 else "L")
    small = drawn.resize((SIDE, SIDE), Image.Resampling.BOX)
    pixels: Pixels = np.asarray(small, dtype=np.uint8)
    return pixels.transpose(2, 0, 1) if channels == 3 else pixels[None]


def _seen(one: _Known, drawn: Mapping[str, Pixels]) -> Iterator[tuple[str, dict[str, Part]]]:
    for camera in CAMERAS:
        rgb = drawn[camera]
        said = one.name if camera == "A" else one.tags or one.name
        parts: dict[str, Part] = {"rgb": rgb, "ir": infrared(rgb, one.emoji.code, camera), "text": said}
        yield camera, parts | ({"sketch": drawn["sketch"]} if camera == "A" else {})
