"""What memory a process takes, and how one that trains holds on to it."""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_MOST = 2**31 - 1


def pss_bytes(process: Path = Path("/proc/self")) -> int:
    """Proportional set size, from the kernel's own account; 0 where it keeps none, or the process has ended."""
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def keep_freed_memory() -> None:
    """Let freed tensors stay with the process, for the next step to use.

    The C library of Linux gives every block above 32 MB back at once and asks for it anew, zeroed page by page: a
    tenth of a step where a cohort's parameters are that large. Elsewhere this does nothing.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, _MOST)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage in cycles a fiftieth as often: jobs in flight are many objects, and none of them is garbage."""
    before = gc.get_threshold()
    gc.collect()
    # What is there by now, libraries above all, stays; it need not be looked at again and again.
    gc.freeze()
    gc.set_threshold(50 * before[0], *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
