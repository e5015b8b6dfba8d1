"""The environments of the peers: their pins and ours conflict, so each has one of its own in the cache."""

import shutil
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path

from mlecs_ray import cache
from mlecs_ray.errors import InputError

_PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet")
STAMP = ".ready"
TORCH = "torch==2.13.0"


@dataclass(frozen=True)
class Environment:
    """A peer and what it needs, pinned."""

    peer: str
    """Its requirement, ``name==version``."""
    more: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where it is, or will be."""
        name, _, version = self.peer.partition("==")
        return cache.root() / "bench" / f"{name.partition('[')[0]}-{version}"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def ready(self) -> bool:
        """Whether it was made, to the end."""
        return (self.folder / STAMP).is_file()


# scikit-learn is not named: the digits come to all contenders as one file.
PFL = Environment("pfl==0.6.0", ("numpy==2.4.6",))
FLOWER = Environment("flwr[simulation]==1.41.0", ("ray==2.55.1",))
PEERS = (PFL, FLOWER)


def make(environment: Environment) -> Path:
    """Its interpreter, after minutes of downloading the first time; raises InputError where it is not to be had."""
    if not environment.ready:
        shutil.rmtree(environment.folder, ignore_errors=True)
        venv.create(environment.folder, with_pip=True)
        # First and by itself: a CPU build is found by its version, and no peer pulls another one after it.
        _install(environment, TORCH)
        _install(environment, environment.peer, *environment.more)
        (environment.folder / STAMP).touch()
    return environment.python


def _install(environment: Environment, *requirements: str) -> None:
    command = [str(environment.python), *_PIP, "install", *requirements]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if line.strip()] or ["pip gave no reason"]
        raise InputError(f"{' '.join(requirements)} cannot be installed, so {environment.peer} is out: {reasons[-1]}")
