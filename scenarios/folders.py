"""Where runs are written, and where they are found again."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlecs_ray.errors import InputError


@contextmanager
def claimed(out: Path | None, name: str) -> Iterator[Path]:
    """``out`` if a run may write there; without one ``runs/<name>-001``, or the next number that is free."""
    if out is not None:
        yield _writable(out)
        return
    folder = _new_folder(Path("runs"), name)
    try:
        yield folder
    finally:
        # A run that was refused has left it empty; any other stays.
        for path in (folder, folder.parent):
            with suppress(OSError):
                path.rmdir()


def _writable(out: Path) -> Path:
    place = next(p for p in (out, *out.absolute().parents) if p.exists())
    if not place.is_dir():
        raise InputError(f"{place} is a file, so no run can be written to {out}; choose another --out")
    if place == out and any(out.iterdir()):
        raise InputError(f"{out} is not empty, so nothing was started; choose another --out, or `mlecs resume` it")
    return out


def _new_folder(root: Path, name: str) -> Path:
    taken = [int(p.name.rsplit("-", 1)[1]) for p in root.glob(f"{name}-*") if p.name.rsplit("-", 1)[1].isdigit()]
    number = max(taken, default=0) + 1
    try:
        root.mkdir(exist_ok=True)
        while not _made(root / f"{name}-{number:03d}"):
            number += 1
    except OSError as error:
        raise InputError(
            f"{root.absolute()}: {error.strerror or error}, so no run can be written there; go to a folder that can be "
            "written, or choose --out"
        ) from error
    return root / f"{name}-{number:03d}"


def _made(folder: Path) -> bool:
    """Make it, unless someone else has: of two runs that start in one moment, each has its own."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def find_run(name: str) -> Path:
    """A folder by its path; ``latest``: the newest below ``runs``."""
    if name != "latest":
        return Path(name)
    found = sorted(Path("runs").glob("*/"), key=lambda p: p.stat().st_mtime)
    if not found:
        raise InputError("there is no run below ./runs yet, so there is no latest one; `mlecs run smoke` makes one")
    return found[-1]
