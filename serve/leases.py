"""Who still needs the folder of a version: as long as one process does, none removes it."""

import fcntl
import os
import shutil
import weakref
from pathlib import Path

from mlecs_ray.errors import InputError


class Lease:
    """That nobody removes a version's folder for as long as this lives; the kernel ends it with its process.

    Raises InputError where the folder is not there, or is just being removed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            opened = os.open(folder, os.O_RDONLY)
            self.close = weakref.finalize(self, os.close, opened)
            if _locked(opened, fcntl.LOCK_SH) and not _is(folder, opened):
                raise FileNotFoundError
        except (FileNotFoundError, BlockingIOError) as error:
            raise InputError(
                f"{folder} is not there, or is just being removed, so nobody can answer with it"
            ) from error


def remove(folder: Path) -> bool:
    """Remove a version's folder unless there is a lease on it, or no way to know; whether it was removed."""
    try:
        opened = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        if not _locked(opened, fcntl.LOCK_EX) or not _is(folder, opened):
            return False
        # Under another name first: whoever looks for a version finds it whole or not at all.
        hidden = folder.with_name(f".{folder.name}.gone")
        shutil.rmtree(hidden, ignore_errors=True)
        folder.rename(hidden)
        shutil.rmtree(hidden)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(opened)


def _locked(opened: int, kind: int) -> bool:
    """Whether there is a lock now; a file system may have none. Raises BlockingIOError where others hold theirs."""
    try:
        fcntl.flock(opened, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def _is(folder: Path, opened: int) -> bool:
    """Whether this is still the folder of that name."""
    return folder.is_dir() and os.path.samestat(folder.stat(), os.fstat(opened))
