"""UR Fall Detection: people fall, or go about their day, before a Kinect and with an accelerometer on.

Kwolek and Kepski, Computer Methods and Programs in Biomedicine 117 (2014); University of Rzeszow.

Confirmed by the home page: 30 falls and 40 other recordings, an archive of PNG files for each camera and kind; depth in
millimetres is C P / 65535 of a 16-bit pixel P, where C of camera 0 is 6000 in falls and 7000 in the others;
``-data.csv`` is frame, milliseconds and total acceleration; ``-acc.csv`` is milliseconds, total, x, z, y in g, at 60 or
256 readings a second. Confirmed by reports and code of others: the names of files; archives that unpack into a folder
within one of the same name; tables without header, ``-data.csv`` of other recordings without acceleration; frames
counted from 1, 30 a second; ``urfall-cam0-*.csv`` that begins with recording, frame, posture (-1 not lying, 0 on the
way down, 1 lying) and leaves out frames without a person. Assumed: that the clocks of camera and accelerometer begin
together, and what a window of a fall is. Who the people are is not published.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from mlecs_ray.data import recordings, watch
from mlecs_ray.data.backbones import SIDE, picture
from mlecs_ray.data.features import Table
from mlecs_ray.data.media import SHIPPED, Encoders, averaged, chosen, joined, kept, perceived, spread, trace
from mlecs_ray.data.pool import Pool
from mlecs_ray.data.recordings import FRAME_MS, Recording
from mlecs_ray.errors import InputError
from mlecs_ray.models.mobilenet import MEAN, STD

MODALITIES = ("rgb", "depth", "accelerometer")
CLASSES = ("not a fall", "fall")
TEXTS = ("There is no fall.", "A person has fallen.")
"""What a model is to say of each class; they share no word, so Rouge tells right from wrong."""
WINDOW = 30
"""Frames in a window: about a second; windows do not overlap."""
FRAMES = 4
"""Of each window at most so many pictures are looked at."""
READINGS = 100
"""To so many, evenly spaced, the accelerometer's readings of a window are brought."""
_FEWEST = 10
_SCALE_MM = {"fall": 6000.0, "adl": 7000.0}
# Farther away falls have no depth, which would tell them from other recordings without looking at anybody.
_FAR_MM = 6000.0
# Changed whenever the code that makes features changes, so that old ones are not taken for new.
_EDITION = 1
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """A second of a recording, from ``begins_ms`` to before ``ends_ms``."""

    key: str
    recording: str
    fell: bool
    rgb: tuple[Path, ...]
    depth: tuple[Path, ...]
    readings: Path | None
    begins_ms: float
    ends_ms: float


def load(folder: Path, modalities: Sequence[str] = (), encoders: Encoders = SHIPPED) -> Pool:
    """The windows of ``folder`` with frozen features; labels are ``CLASSES``, texts ``TEXTS``, ids recordings.

    A window is a fall when it belongs to one and shows somebody on the way down or lying. ``rgb`` and ``depth`` are
    (n, 1280), ``accelerometer`` (n, 100): total and three axes as ``watch.features`` makes them. A modality whose files
    are missing or broken is not present. Domains are recordings too. Raises InputError for a folder of another layout,
    a broken table, a modality that is not there, or a missing asset.
    """
    windows = read(folder)
    there = {
        "rgb": any(window.rgb for window in windows),
        "depth": any(window.depth for window in windows),
        "accelerometer": any(window.readings for window in windows),
    }
    tables = {m: _table(m, folder, windows, encoders) for m in chosen("urfall", modalities, there)}
    names = tuple(window.recording for window in windows)
    samples = replace(
        joined(tables, [window.key for window in windows]),
        labels=torch.tensor([int(window.fell) for window in windows]),
        texts=tuple(TEXTS[window.fell] for window in windows),
        ids=names,
        domains=names,
    )
    return Pool("urfall", perceived(samples), CLASSES)


def read(folder: Path) -> tuple[Window, ...]:
    """The windows of all recordings anywhere below ``folder``. Raises InputError where there are none."""
    windows = tuple(window for recording in recordings.read(folder) for window in _windows(recording))
    if not windows:
        raise InputError(
            f"{folder} holds no recording of {WINDOW} frames or more (fall-01-cam0-rgb-001.png, fall-01-data.csv, ..), "
            "so there is nothing to learn from: unpack the archives as docs/data.md says"
        )
    return windows


def _windows(recording: Recording) -> list[Window]:
    starts = range(1, recording.frames - WINDOW + 2, WINDOW)
    return [_window(recording, number, range(start, start + WINDOW)) for number, start in enumerate(starts)]


def _window(recording: Recording, number: int, frames: range) -> Window:
    return Window(
        key=f"{recording.name}-{number:03d}",
        recording=recording.name,
        fell=recording.is_fall and any(recording.posture.get(frame, -1) >= 0 for frame in frames),
        rgb=spread([recording.rgb[frame] for frame in frames if frame in recording.rgb], FRAMES),
        depth=spread([recording.depth[frame] for frame in frames if frame in recording.depth], FRAMES),
        readings=recording.readings,
        begins_ms=recording.begins_ms(frames[0]),
        ends_ms=recording.begins_ms(frames[-1]) + FRAME_MS,
    )


def _table(modality: str, folder: Path, windows: Sequence[Window], encoders: Encoders) -> Table:
    name, recipe = f"urfall-{modality}", {"pins": encoders.pins, "edition": _EDITION}
    if modality == "accelerometer":
        when = [(window.key, window.begins_ms, window.ends_ms) for window in windows if window.readings]
        of = trace(folder, {window.readings for window in windows if window.readings})
        return kept(name, {**recipe, "of": of, "when": when}, lambda: _movements(windows))
    look = depth_picture if modality == "depth" else picture
    frames = {window.key: window.depth if modality == "depth" else window.rgb for window in windows}
    of = trace(folder, (path for some in frames.values() for path in some))
    return kept(name, {**recipe, "of": of}, lambda: averaged(frames, encoders.image(), look))


def depth_picture(path: Path) -> Tensor:
    """(3, 224, 224) of a 16-bit depth picture: grey from 0 (not measured) to 6 m and beyond, normalised as ImageNet's.

    Its name tells the scale of the recording. Raises InputError where it is no such picture.
    """
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image)
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a picture ({error}), so it has no features") from error
    if pixels.ndim != 2 or pixels.itemsize < 2:
        raise InputError(f"{path} must have one channel of 16 bits to be a picture of depth, so it has no features")
    return depth_square(torch.from_numpy(pixels.astype(np.float32)) * (_SCALE_MM[path.name.partition("-")[0]] / 65535))


def depth_square(millimetres: Tensor) -> Tensor:
    """(3, 224, 224) of a (rows, columns) depth picture, as ``depth_picture`` makes it."""
    grey = (millimetres / _FAR_MM).clamp(max=1.0)
    square = torch.nn.functional.interpolate(grey[None, None], (SIDE, SIDE), mode="area")[0]
    return (square - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def _movements(windows: Sequence[Window]) -> Table:
    known = {path: _readings(path) for path in sorted({window.readings for window in windows if window.readings})}
    parts = {window.key: _cut(known[window.readings], window) for window in windows if window.readings}
    whole = {key: part for key, part in parts.items() if part is not None}
    if not whole:
        return {}
    return dict(zip(whole, watch.features(np.stack(list(whole.values()))).numpy(), strict=True))


def _readings(path: Path) -> Doubles | None:
    """(n, 5): milliseconds, total, x, z and y, by time; None where the file is broken."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        rows = np.array([line.split(",")[:5] for line in lines if line.strip()], dtype=np.float64)
    except (OSError, ValueError):
        return None
    sound = rows.ndim == 2 and rows.shape[1] == 5 and bool(np.isfinite(rows).all())
    return rows[np.argsort(rows[:, 0], kind="stable")] if sound else None


def _cut(rows: Doubles | None, window: Window) -> NDArray[np.float32] | None:
    """(``READINGS``, 4) of this window, evenly spaced; None where it has fewer than ten readings."""
    if rows is None:
        return None
    first, last = np.searchsorted(rows[:, 0], (window.begins_ms, window.ends_ms))
    if last - first < _FEWEST:
        return None
    times = np.linspace(window.begins_ms, window.ends_ms, READINGS, endpoint=False)
    return np.stack([np.interp(times, rows[:, 0], axis) for axis in rows[:, 1:].T], axis=1).astype(np.float32)
