"""Who a presented API key belongs to, by a file that may change while the server runs."""

import hmac
import logging
import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from mlecs_ray.errors import InputError
from serve.clocks import Clock, utc_now
from serve.keyfile import Key, digest, parse, read

LOOK_SECONDS: Final = 1.0
"""At most so often is the file looked at."""

_LOG = logging.getLogger(__name__)


class Keys:
    """The keys of a file as it is, or was a second ago. A damaged or missing file changes nothing, an empty one all."""

    def __init__(
        self,
        path: Path,
        now: Callable[[], datetime] = utc_now,
        clock: Clock = time.monotonic,
    ) -> None:
        """``now`` ends keys, ``clock`` paces the looks. Raises InputError where there is no file, or a damaged one."""
        self._path, self._now, self._clock = path, now, clock
        self._keys = read(path)
        # Read once more at the first look, as it may have changed since.
        self._stamp: tuple[int, ...] | None = None
        self._looked = clock() - LOOK_SECONDS
        self._fault = ""

    def check(self, presented: str) -> Key | None:
        """The key that was presented; None if there is none such, or it has expired or been removed."""
        self._look()
        shown = digest(presented)
        found: Key | None = None
        # To the end in every case: how long it takes must not tell which key was near, nor whether one matched.
        for key in self._keys:
            if hmac.compare_digest(shown, key.hash):
                found = key
        return None if found is None or found.expired(self._now()) else found

    def _look(self) -> None:
        now = self._clock()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        try:
            self._reread()
        except (InputError, OSError, UnicodeDecodeError) as error:
            self._complain(str(error))
        else:
            self._fault = ""

    def _reread(self) -> None:
        with self._path.open("rb") as file:
            found = os.fstat(file.fileno())
            stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
            if stamp != self._stamp:
                self._keys = parse(file.read().decode(), self._path)
                self._stamp = stamp

    def _complain(self, fault: str) -> None:
        # Once, and not once a second.
        if fault != self._fault:
            _LOG.error("%s; the %d keys read before go on working", fault, len(self._keys))
        self._fault = fault
