"""Files that are not ours: fetched once, checked against their pinned hash, then read offline."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mlecs_ray import cache
from mlecs_ray.data.archives import unpack
from mlecs_ray.data.catalogue import CATALOGUE, Asset, lookup
from mlecs_ray.data.sources import Local
from mlecs_ray.errors import InputError

__all__ = ["CATALOGUE", "Asset", "Progress", "damage", "fetch", "find", "lookup", "verify"]

Progress = Callable[[int, int | None, str], None]
"""Told (bytes done, bytes in all or None, what is being done), several times a second."""


def fetch(name: str, progress: Progress | None = None, archive: Path | None = None) -> Path:
    """The folder of the unpacked asset, downloaded unless it is there; safe to repeat and to run twice at once.

    What is there is checked by its hashes, which takes a second for the largest.

    ``archive`` is used instead of the network, and must have the same hash. Raises InputError when the source is
    out of reach, the hash is wrong or the disk is full; then nothing is left behind.
    """
    asset = lookup(name)
    tell = progress or (lambda *_: None)
    if isinstance(asset.source, Local):
        return asset.source.get(asset.version, asset.folder, lambda _: None)

    def build(folder: Path) -> None:
        work = folder / ".download"
        work.mkdir()
        _room(asset, work)
        got = archive or asset.source.get(
            asset.version, work, lambda done: tell(_cap(done, asset), asset.size, "download")
        )
        verify(asset, got)
        tell(asset.size or 0, asset.size, "unpack")
        unpack(got, folder)
        shutil.rmtree(work)
        (folder / _SUMS).write_text(json.dumps(_sums(folder)))

    return cache.build_once(asset.folder, build, lambda folder: not damage(folder, deep=True))


def find(name: str) -> Path:
    """The folder of an asset that was fetched before: reads the disk alone. Raises InputError where it is not whole."""
    asset = lookup(name)
    if isinstance(asset.source, Local):
        return asset.source.get(asset.version, asset.folder, lambda _: None)
    wrong = damage(asset.folder)
    if wrong:
        raise InputError(
            f"asset {name} is not in the cache {cache.root()} ({wrong}), and loading never uses the network: "
            f"run `mlecs fetch {name}`"
        )
    return asset.folder


def verify(asset: Asset, archive: Path) -> None:
    """Raise InputError unless the archive is the very file that the catalogue pins."""
    if not archive.exists():
        raise InputError(f"{archive} does not exist, so {asset.name} cannot be unpacked from it")
    if not asset.sha256:
        return
    found = _sha256(archive)
    if found != asset.sha256:
        raise InputError(
            f"{archive.name} has sha256 {found} where {asset.name} {asset.version} must have {asset.sha256}: the file "
            "is damaged or was changed at its source, so it was not unpacked; fetch it again"
        )


def damage(folder: Path, deep: bool = False) -> str:
    """What is missing from an unpacked asset, or "".

    Each file is judged by its size, and by its hash where it was written to since it was unpacked, or with ``deep``.
    """
    try:
        sums = json.loads((folder / _SUMS).read_text())
        unpacked = (folder / _SUMS).stat().st_mtime_ns
    except (OSError, ValueError):
        return "never fetched"
    for name, known in sums.items():
        file = folder / name
        if not file.is_file():
            return f"{name} is missing"
        if _altered(file, known, unpacked, deep):
            return f"{name} was altered"
    return ""


def _altered(file: Path, known: Sequence[Any], unpacked: int, deep: bool) -> bool:
    # Sums that an older version wrote know no time of the file's last change.
    size, sha256, *changed = known
    now = file.stat()
    touched = [now.st_mtime_ns] != changed if changed else now.st_mtime_ns > unpacked
    return now.st_size != size or ((deep or touched) and _sha256(file) != sha256)


def _room(asset: Asset, folder: Path) -> None:
    """Refuse before the download what could not be finished: package tools take a full disk for a bad network."""
    # The archive, the tool's own copy of it, and the unpacked files.
    need, free = 3 * (asset.size or 0), shutil.disk_usage(folder).free
    if free < need:
        raise InputError(
            f"{asset.name} needs {need / 1e6:,.0f} MB in the cache {cache.root()}, where {free / 1e6:,.0f} MB are "
            "free, so nothing was fetched: make room or set MLECS_CACHE to another folder"
        )


_SUMS = ".sums.json"


def _sums(folder: Path) -> dict[str, tuple[int, str, int]]:
    """Of each file its size, hash and time of last change."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    stats = ((path, path.stat()) for path in files)
    return {str(path.relative_to(folder)): (stat.st_size, _sha256(path), stat.st_mtime_ns) for path, stat in stats}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cap(done: int, asset: Asset) -> int:
    # Package tools keep a second copy for a moment; a bar beyond its end helps nobody.
    return done if asset.size is None else min(done, asset.size)
