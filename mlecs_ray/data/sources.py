"""Where assets come from: PyPI, Debian, npm, Hugging Face, or a folder that is already here."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlecs_ray.data import npm
from mlecs_ray.errors import InputError

Watch = Callable[[int], None]
"""Told the bytes downloaded so far, several times a second."""


class Source(Protocol):
    """A registry that can be asked for one pinned version."""

    def get(self, version: str, folder: Path, watch: Watch) -> Path:
        """Download into the empty ``folder``; the path of the archive, or of a folder of files.

        Raises InputError when the registry is out of reach or has no such version.
        """


@dataclass(frozen=True)
class Wheel:
    """A wheel of the Python package index, by ``pip download``."""

    package: str

    def get(self, version: str, folder: Path, watch: Watch) -> Path:
        target = f"{self.package}=={version}"
        command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--no-deps"]
        # pip downloads into the temporary folder first: with it in ours, the bytes can be watched.
        (folder / "tmp").mkdir()
        command += ["--only-binary", ":all:", "--dest", str(folder), target]
        error = _watched(command, folder, watch, {"TMPDIR": str(folder / "tmp")})
        return _found(folder, "*.whl", target, "the Python package index", error)


@dataclass(frozen=True)
class Debian:
    """A package of this machine's Debian release, by ``apt-get download``; needs no root."""

    package: str

    def get(self, version: str, folder: Path, watch: Watch) -> Path:
        target = f"{self.package}={version}"
        for private in ("lists/partial", "cache/archives/partial"):
            (folder / private).mkdir(parents=True)
        apt = ["apt-get", "-qq", "-o", f"Dir::Cache={folder}/cache", "-o", "APT::Sandbox::User=root"]
        error = _watched([*apt, "download", target], folder, watch)
        if error:
            # The system's lists are missing or old, and only root may renew them: fetch lists of our own.
            apt += ["-o", f"Dir::State::Lists={folder}/lists"]
            error = _watched([*apt, "update"], folder, lambda _: None)
            error = _watched([*apt, "download", target], folder, watch) or error
        return _found(folder, "*.deb", target, "this machine's Debian release", error)


@dataclass(frozen=True)
class Npm:
    """A tarball of the registry that npm would ask; needs no npm, sends no password, installs and runs nothing."""

    package: str

    def get(self, version: str, folder: Path, watch: Watch) -> Path:
        archive = folder / f"{Path(self.package).name}-{version}.tgz"
        try:
            source = npm.registry(os.environ, npm.settings())
            with archive.open("wb") as file:
                for block in npm.tarball(source, self.package, version):
                    file.write(block)
                    watch(file.tell())
        except ConnectionError as error:
            target = f"{self.package}@{version}"
            raise InputError(_unreachable(target, "the npm registry", str(error))) from error
        return archive


@dataclass(frozen=True)
class HuggingFace:
    """A repository of the Hugging Face hub; the version is a commit, which pins every file."""

    repo: str

    def get(self, version: str, folder: Path, watch: Watch) -> Path:
        # Every command keeps the hub's client offline, which it reads once, when imported: another process goes online.
        program = Path(__file__).with_name("hub.py")
        command = [sys.executable, "-P", str(program), self.repo, version, str(folder / "files")]
        online = {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        error = _watched(command, folder, watch, online)
        if error:
            raise InputError(_unreachable(f"{self.repo}@{version}", "the Hugging Face hub", error))
        # The hub's own bookkeeping is no part of the model.
        shutil.rmtree(folder / "files" / ".cache", ignore_errors=True)
        watch(_bytes_in(folder))
        return folder / "files"


@dataclass(frozen=True)
class Local:
    """A folder or file of this machine, used where it lies."""

    path: Path

    def get(self, version: str, folder: Path, watch: Watch) -> Path:
        del version, folder
        if not self.path.exists():
            raise InputError(f"{self.path} does not exist, so there is nothing to load: check the path after file:")
        watch(_bytes_in(self.path))
        return self.path


def _watched(command: Sequence[str], folder: Path, watch: Watch, more: Mapping[str, str] | None = None) -> str:
    """Run quietly in ``folder`` while its size is reported; "" or, where the command failed, why."""
    with tempfile.TemporaryFile("w+") as noise:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **(more or {})},
                stdin=subprocess.DEVNULL,
                stdout=noise,
                stderr=noise,
            )
        except FileNotFoundError:
            return f"{command[0]} is not installed"
        with process:
            _wait(process, lambda: watch(_bytes_in(folder)))
        noise.seek(0)
        return "" if process.returncode == 0 else _last_line(noise.read())


def _wait(process: subprocess.Popen[bytes], tick: Callable[[], None]) -> None:
    try:
        while process.poll() is None:
            tick()
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
    except BaseException:
        # Ctrl-C, or a progress bar that failed: the download must not go on behind our back.
        process.kill()
        raise


def _last_line(noise: str) -> str:
    lines = [line.strip() for line in noise.splitlines() if line.strip()]
    # Hints and warnings often come after the error itself.
    errors = [line for line in lines if line.upper().startswith(("ERROR", "E:"))]
    return (errors or lines or ["it said nothing"])[-1]


def _bytes_in(path: Path) -> int:
    """Bytes below ``path``; files that vanish meanwhile count nothing."""
    total = 0
    for base, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(base, name)).st_size
            except OSError:
                continue
    return total


def _found(folder: Path, pattern: str, target: str, where: str, error: str) -> Path:
    archives = sorted(folder.glob(pattern))
    if error or not archives:
        raise InputError(_unreachable(target, where, error or "nothing came"))
    return archives[0]


def _unreachable(target: str, where: str, reason: str) -> str:
    return (
        f"{target} could not be fetched from {where} ({reason}): check the network and try again, or download the file "
        "on another machine and pass it with `mlecs fetch NAME --archive FILE`"
    )
