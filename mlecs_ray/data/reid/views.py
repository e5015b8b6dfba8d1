"""Who was seen where and how: the rows of a re-identification data set, and the pool that they become."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from mlecs_ray.data.pool import Pool
from mlecs_ray.data.reid.sentences import LONGEST, token_ids
from mlecs_ray.errors import InputError
from mlecs_ray.models.reid.kinds import MODALITIES, PICTURES, TEXT
from mlecs_ray.samples import Samples

Pixels = NDArray[np.uint8]
Part = Path | Pixels | str
"""A file of a picture, its pixels (channels, height, width), or a sentence."""


@dataclass(frozen=True)
class Row:
    """One sighting: what there is of it by modality. Infrared and colour of one row are of one camera."""

    identity: str
    camera: str
    """Ranking leaves out what the query's own camera saw of the same identity; ``c3@c2`` is a camera that stands where
    c2 does, and counts as that one. Sketches and sentences are no camera's, whatever stands here."""
    parts: Mapping[str, Part]
    test: bool = False
    """Whether its makers keep the identity for their test."""
    family: str = ""
    """Identities of one family are never separated by a split; "": the identity is one by itself."""


@dataclass(frozen=True)
class Size:
    """To what pictures and sentences are brought."""

    height: int = 256
    width: int = 128
    words: int = LONGEST
    """Tokens of a sentence that are kept."""

    def __post_init__(self) -> None:
        if min(self.height, self.width) < 8:
            raise InputError(
                f"pictures of {self.height} x {self.width} must have 8 or more each way, or nobody is seen"
            )


def pool(name: str, rows: Sequence[Row], size: Size) -> Pool:
    """``ir`` and ``sketch`` (n, 1, h, w) and ``rgb`` (n, 3, h, w) in 0..255, ``text`` token ids (n, t) with 0 where it
    has ended; labels are identities, domains cameras, ``texts`` the sentences themselves, "" where there is none.

    Raises InputError where there is nothing, or a file cannot be read.
    """
    if not rows:
        raise InputError(
            f"{name} has no picture and no sentence where they were looked for, so there is nothing to load"
        )
    identities = tuple(sorted({row.identity for row in rows}))
    place = {identity: i for i, identity in enumerate(identities)}
    there = [modality for modality in MODALITIES if any(modality in row.parts for row in rows)]
    texts = tuple(str(row.parts.get(TEXT, "")) for row in rows)
    samples = Samples(
        inputs={m: token_ids(texts, size.words) if m == TEXT else _pictures(rows, m, size) for m in there},
        present={m: torch.tensor([m in row.parts for row in rows]) for m in there},
        labels=torch.tensor([place[row.identity] for row in rows]),
        texts=texts if TEXT in there else (),
        ids=tuple(row.family or row.identity for row in rows),
        domains=tuple(row.camera for row in rows),
    )
    return Pool(name, samples, identities, frozenset(row.family or row.identity for row in rows if row.test))


def _pictures(rows: Sequence[Row], modality: str, size: Size) -> Tensor:
    # Zeros that nothing is written to take no memory: most rows lack most modalities.
    every = torch.zeros(len(rows), PICTURES[modality], size.height, size.width, dtype=torch.uint8)
    for i, row in enumerate(rows):
        match row.parts.get(modality):
            case Path() as file:
                every[i] = torch.from_numpy(picture(file, PICTURES[modality], size))
            case np.ndarray() as pixels:
                every[i] = torch.from_numpy(pixels)
    return every


def picture(file: Path, channels: int, size: Size) -> Pixels:
    """(channels, height, width) of a file, stretched to the size. Raises InputError where it cannot be read."""
    try:
        with Image.open(file) as image:
            made = image.convert("RGB" if channels == 3 else "L")
            made = made.resize((size.width, size.height), Image.Resampling.BILINEAR)
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as a picture ({error}), so nobody can be found on it") from error
    pixels: Pixels = np.array(made, dtype=np.uint8)
    return pixels.transpose(2, 0, 1) if channels == 3 else pixels[None]
