"""CIFAR-10 and CIFAR-100: small photographs of things (Krizhevsky, 2009), as published for Python.

Confirmed in torchvision's reader: the names of files, dictionaries with ``data``, rows of 3,072 bytes
(red, green, blue, each line by line), and ``labels`` or ``fine_labels``; names of classes in ``label_names`` of
``batches.meta`` and ``fine_label_names`` of ``meta``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mlecs_ray.data import pickles
from mlecs_ray.data.pool import Pool
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

SIDE = 32
_VALUES = 3 * SIDE * SIDE


@dataclass(frozen=True)
class Layout:
    """The files of one of the two."""

    name: str
    train: tuple[str, ...]
    test: str
    meta: str
    labels: str
    """The key of the labels; that of their names is ``classes``."""
    classes: str


CIFAR10 = Layout(
    "cifar10", tuple(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta", "labels", "label_names"
)
CIFAR100 = Layout("cifar100", ("train",), "test", "meta", "fine_labels", "fine_label_names")


def load(folder: Path, layout: Layout) -> Pool:
    """``image`` is (n, 3, 32, 32) in 0..1; each picture is an identity, the given test stays the test; no domains.

    Raises InputError where a file is missing, broken, asks to run something, or is of another layout.
    """
    missing = [name for name in (*layout.train, layout.test, layout.meta) if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder} holds no {missing[0]}, so it is no folder of {layout.name}; docs/data.md draws one")
    names = pickles.read(folder / layout.meta).get(layout.classes)
    if not isinstance(names, list) or not names:
        raise InputError(
            f"{folder / layout.meta} must have a list {layout.classes}, or nobody knows what is to be seen"
        )
    parts = {name: _part(folder / name, layout.labels, len(names)) for name in (*layout.train, layout.test)}
    ids = [f"{name}-{row:05d}" for name, (_, labels) in parts.items() for row in range(len(labels))]
    samples = Samples(
        inputs={"image": _pictures([pixels for pixels, _ in parts.values()])},
        labels=torch.tensor([label for _, labels in parts.values() for label in labels]),
        ids=tuple(ids),
    )
    test = frozenset(ids[len(ids) - len(parts[layout.test][1]) :])
    return Pool(layout.name, samples, tuple(pickles.text(name) for name in names), test)


def _pictures(pixels: Sequence[NDArray[np.uint8]]) -> Tensor:
    return torch.from_numpy(np.concatenate(pixels)).view(-1, 3, SIDE, SIDE).float().div_(255)


def _part(file: Path, key: str, classes: int) -> tuple[NDArray[np.uint8], Sequence[int]]:
    content = pickles.read(file)
    pixels, labels = content.get("data"), content.get(key)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (_VALUES,):
        raise InputError(f"{file} must have data, rows of {_VALUES} bytes, or there are no pictures of 32 x 32 in it")
    if not isinstance(labels, list) or len(labels) != len(pixels):
        raise InputError(f"{file} must have {key}, a list of {len(pixels)}, one for each picture, or they say nothing")
    wrong = [label for label in labels if not isinstance(label, int) or not 0 <= label < classes]
    if wrong:
        raise InputError(f"{file}: label {wrong[0]} must lie in 0..{classes - 1}, or nobody knows what is to be seen")
    return pixels, labels
