"""Askers who never stop, beside whatever is done to a server meanwhile."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

R = TypeVar("R")


@dataclass
class Crowd(Generic[R]):
    """``count`` askers in threads, each of whom asks again as soon as it is answered, while the ``with`` lasts.

    What an asker raises, which ends it, is raised at the end: a lost connection is a reply that is missing.
    """

    ask: Callable[[], R]
    count: int
    replies: list[R] = field(default_factory=list)
    """In the order in which they came."""
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(self.count)
        self._going: list[Future[None]] = [self._pool.submit(self._go) for _ in range(self.count)]
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._pool.shutdown()
        for one in self._going:
            one.result()

    def _go(self) -> None:
        while not self._stopped.is_set():
            self.replies.append(self.ask())
