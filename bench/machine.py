"""What a figure was measured on and with."""

import hashlib
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import mlecs_ray
from bench.environments import Environment
from mlecs_ray.run.manifest import version_of

PACKAGES = ("mlecs_ray", "actors", "serve", "tune", "scenarios", "bench")
"""Ours."""


def describe() -> str:
    """Cores, processor and memory."""
    cores, gigabytes = os.cpu_count(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{cores} cores of {processor()}, {gigabytes:.0f} GB of memory, {platform.system()}"


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's own name where the kernel tells it."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def versions(peers: Sequence[Environment]) -> str:
    """Ours, and those of the peers that took part."""
    own = [f"{name} {version_of(name)}" for name in ("mlecs-ray", "torch", "ray")]
    return ", ".join([f"Python {platform.python_version()}", *own, *(peer.peer.replace("==", " ") for peer in peers)])


def source(root: Path = Path(mlecs_ray.__file__).parents[1]) -> str:
    """``source`` and 12 hexadecimal digits of the sha256 of our packages' modules, by name: a version is the same from
    one release to the next, code is not."""
    told = hashlib.sha256()
    for module in sorted(file for package in PACKAGES for file in (root / package).rglob("*.py")):
        told.update(module.relative_to(root).as_posix().encode() + b"\0" + module.read_bytes() + b"\0")
    return f"source {told.hexdigest()[:12]}"
