"""Small folders of re-identification data, as they are published, and samples without pictures to search in."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from mlecs_ray.data.reid.trials import Trial
from mlecs_ray.data.reid.views import Row, Size
from mlecs_ray.samples import Samples

SMALL = Size(8, 8)


def photo(file: Path, grey: int = 100) -> Path:
    """Writes a picture of one grey."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 8), (grey, grey, grey)).save(file)
    return file


def photos(folder: Path, paths: Iterable[str]) -> Path:
    """Writes a picture for each path, all of other greys."""
    for grey, path in enumerate(paths):
        photo(folder / path, grey)
    return folder


def listing(folder: Path, name: str, *lines: str) -> None:
    """Writes a list."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(f"{line}\n" for line in lines))


def numbered(folder: Path, name: str, *paths: str) -> None:
    """Writes pictures, and the list that names each with a label, which begins at 0."""
    photos(folder, paths)
    listing(folder, name, *(f"{path} {label}" for label, path in enumerate(paths)))


def captioned(folder: Path, file: str, path: str, *entries: Mapping[str, Any]) -> Path:
    """Writes the list of captions, and the pictures that it names under ``path``."""
    photos(folder / "imgs", (entry[path] for entry in entries))
    (folder / file).write_text(json.dumps(entries))
    return folder


def told(rows: Iterable[Row], folder: Path) -> list[tuple[str, str, str, str, bool]]:
    """Of each row identity, camera, modality, picture and whether it is test."""
    return [
        (row.identity, row.camera, modality, part.relative_to(folder).as_posix(), row.test)
        for row in rows
        for modality, part in row.parts.items()
        if isinstance(part, Path)
    ]


def sightings(*seen: tuple[str, str, str]) -> Samples:
    """Samples of identity, camera and modality, each with a pixel of its own."""
    modalities = sorted({modality for _, _, modality in seen})
    pixels = torch.arange(len(seen), dtype=torch.int64)[:, None]
    return Samples(
        inputs=dict.fromkeys(modalities, pixels),
        present={m: torch.tensor([modality == m for _, _, modality in seen]) for m in modalities},
        labels=torch.tensor([int(identity) for identity, _, _ in seen]),
        ids=tuple(identity for identity, _, _ in seen),
        domains=tuple(camera for _, camera, _ in seen),
    )


def shuffled(samples: Samples) -> tuple[Samples, list[int]]:
    """The samples in another order, and where each was."""
    order: list[int] = np.random.default_rng(3).permutation(len(samples)).tolist()
    return samples.take(order), order


def searches(trials: Iterable[Trial], order: Sequence[int]) -> list[tuple[str, str, str, list[int], list[int]]]:
    """All of the trials, positions brought back to what they were before ``shuffled``."""
    return [
        (
            one.name,
            one.asked,
            one.searched,
            sorted(order[i] for i in one.queries),
            sorted(order[i] for i in one.gallery),
        )
        for one in trials
    ]
