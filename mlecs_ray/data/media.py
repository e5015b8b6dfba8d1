"""What readers of recorded folders share: frozen encoders, moments spread over time, and what a feature was made of."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from mlecs_ray.data import backbones
from mlecs_ray.data.backbones import Encoder, Floats
from mlecs_ray.data.catalogue import lookup
from mlecs_ray.data.features import Table, cached, column
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

T = TypeVar("T")


@dataclass(frozen=True)
class Encoders:
    """The frozen backbones; ``pins`` say which they are, so that nobody is given the features of others."""

    image: Callable[[], Encoder] = backbones.mobilenet
    """Loads the encoder of pictures: called once for each table that is not cached yet."""
    text: Callable[[Sequence[str]], Floats] = backbones.text_features
    pins: tuple[str, ...] = tuple(lookup(name).sha256 for name in ("mobilenet", "minilm"))


SHIPPED = Encoders()
"""MobileNetV2 and all-MiniLM-L6-v2, from their assets."""


def chosen(name: str, asked: Sequence[str], there: Mapping[str, bool]) -> tuple[str, ...]:
    """The modalities to read: those asked for, else all that are ``there``.

    Raises InputError for a modality that the data set ``name`` never has, or that this folder holds nothing of.
    """
    for modality in asked:
        if modality not in there:
            raise InputError(f"modality {modality!r} must be one of {', '.join(there)}: {name} has no other")
        if not there[modality]:
            raise InputError(f"modality {modality!r}: the folder of {name} holds none, so nothing could be learned")
    if not any(there.values()):
        raise InputError(f"the folder of {name} holds none of {', '.join(there)}, so there is nothing to learn from")
    return tuple(asked) or tuple(modality for modality in there if there[modality])


def spread(items: Sequence[T], count: int) -> tuple[T, ...]:
    """At most ``count`` of them, in order: the middle ones of so many equal parts."""
    many = len(items)
    return tuple(items) if many <= count else tuple(items[(2 * i + 1) * many // (2 * count)] for i in range(count))


def trace(root: Path, files: Iterable[Path]) -> str:
    """A digest of these files' names below ``root``, sizes and times of change: another file gives another.

    The bytes are not read, as every process of a run asks, and recordings are gigabytes. A link to nothing counts too.
    """
    lines = (f"{path.relative_to(root).as_posix()} {_stamp(path)}\n" for path in sorted(files))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _stamp(path: Path) -> str:
    try:
        stat = path.stat()
    except OSError:
        return "cannot be read"
    return f"{stat.st_size} {stat.st_mtime_ns}"


def averaged(
    pictures: Mapping[str, Sequence[Path]], encoder: Encoder, read: Callable[[Path], Tensor] = backbones.picture
) -> Table:
    """The mean features of each key's pictures; a broken picture does not count, a key without any is left out."""
    table = {}
    for key, paths in pictures.items():
        seen = [picture for path in paths if (picture := _legible(path, read)) is not None]
        if seen:
            table[key] = backbones.image_features(seen, encoder).mean(axis=0)
    return table


def _legible(path: Path, read: Callable[[Path], Tensor]) -> Tensor | None:
    try:
        return read(path)
    except (InputError, SyntaxError):
        # Pillow raises SyntaxError for some damaged PNG files.
        return None


def kept(name: str, recipe: Mapping[str, Any], compute: Callable[[], Table]) -> Table:
    """The table from the cache, or computed now. Raises InputError where not one row came of it."""

    def some() -> Table:
        table = compute()
        if not table:
            raise InputError(
                f"{name}: not one file of this modality can be read, so nothing could be learned from it; mend the "
                "files, or leave it out of data.modalities"
            )
        return table

    return cached(name, recipe, some)


def joined(tables: Mapping[str, Table], keys: Sequence[str]) -> Samples:
    """Samples in the order of ``keys``; a row that a table lacks is zeros and not present."""
    columns = {modality: column(table, keys) for modality, table in tables.items()}
    return Samples(
        inputs={modality: rows for modality, (rows, _) in columns.items()},
        present={modality: present for modality, (_, present) in columns.items()},
    )


def perceived(samples: Samples) -> Samples:
    """Without those that have no modality at all."""
    return samples.take(samples.sensed.nonzero().flatten())
