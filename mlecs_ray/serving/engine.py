"""What turns prompts into answers, token by token: one Protocol, and the engine that ships."""

import asyncio
import logging
import math
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Protocol

from torch import Tensor

from mlecs_ray.models.lora import Backbone
from mlecs_ray.serving.batcher import Answer, Batcher, Piece
from mlecs_ray.serving.sampling import Sampling
from mlecs_ray.tree import Tree

PACE_SECONDS = 0.05
"""Every piece is carried through two processes, which takes the engine's time."""


class Full(Exception):
    """An engine has as many answers under way and waiting as it may: ask again later, or ask another."""


class Engine(Protocol):
    """One frozen language model; every request brings its own adapters and its own embedded prompt."""

    def stream(self, adapters: Tree, prompt: Tensor, sampling: Sampling) -> AsyncGenerator[Piece]:
        """Pieces of one answer, the last with ``finish``. To close it frees its place. Raises Full at once."""

    @property
    def load(self) -> int:
        """Answers under way or waiting."""

    def close(self) -> None:
        """Stop; answers under way end with an error."""


class BatchingEngine:
    """Abstract: a continuous batcher in a thread of its own. At most its ``rows`` answers run and ``queue`` wait."""

    def __init__(self, batcher: Batcher, queue: int) -> None:
        self._batcher, self._most = batcher, batcher.rows + queue
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="mlecs-engine", daemon=True)
        self._thread.start()

    @property
    def load(self) -> int:
        return self._batcher.load

    @property
    def cache_bytes(self) -> int:
        """What keys and values take."""
        return self._batcher.cache_bytes

    async def stream(self, adapters: Tree, prompt: Tensor, sampling: Sampling) -> AsyncGenerator[Piece]:
        """The first piece comes at once; of those after it, what comes within ``PACE_SECONDS`` comes as one."""
        pieces = asyncio.Queue[Piece]()
        answer = self._submit(adapters, prompt, sampling, _Paced(asyncio.get_running_loop(), pieces))
        try:
            while True:
                piece = await pieces.get()
                while not pieces.empty():
                    piece = joined(piece, pieces.get_nowait())
                yield piece
                if piece.finish:
                    return
        finally:
            answer.cancelled = True

    def _submit(self, adapters: Tree, prompt: Tensor, sampling: Sampling, sink: Callable[[Piece], None]) -> Answer:
        with self._work:
            if self._closed:
                raise Full("the engine is closing, so it takes no more questions")
            if self._batcher.load >= self._most:
                raise Full(f"{self._most} answers are under way or waiting, as many as there may be; ask again later")
            answer = self._batcher.submit(adapters, prompt, sampling, sink)
            self._work.notify()
            return answer

    def _run(self) -> None:
        while not self._closed:
            try:
                busy = self._batcher.step()
            except Exception:
                logging.getLogger(__name__).exception("a step of the engine failed: its answers end, it goes on")
                self._batcher.fail()
                busy = False
            if not busy:
                with self._work:
                    # Looked at again under the lock: a question may have come since.
                    while not self._batcher.load and not self._closed:
                        self._work.wait()
        self._batcher.fail()

    def close(self) -> None:
        with self._work:
            self._closed = True
            self._work.notify()
        self._thread.join()


class TransformersEngine(BatchingEngine):
    """Answers by PyTorch, whatever model ``transformers`` has, all rows in one pass."""

    def __init__(self, lm: Backbone, rows: int = 8, queue: int = 8, context: int = 1024) -> None:
        super().__init__(Batcher(lm, rows, context), queue)


class _Paced:
    """Hands pieces from the engine's thread to the asker's loop, not more often than a reader can tell."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pieces: "asyncio.Queue[Piece]") -> None:
        self._loop, self._pieces = loop, pieces
        self._held: Piece | None = None
        self._last = -math.inf

    def __call__(self, piece: Piece) -> None:
        piece = piece if self._held is None else joined(self._held, piece)
        now = time.monotonic()
        if piece.finish is None and now - self._last < PACE_SECONDS:
            self._held = piece
            return
        self._held = None
        # The first word is not to wait behind a token that says nothing yet.
        self._last = now if piece.text else self._last
        # The asker's loop may be gone, and the asker with it.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)


def joined(first: Piece, second: Piece) -> Piece:
    """Two pieces as one."""
    return Piece(
        first.text + second.text,
        first.tokens + second.tokens,
        first.logprob + second.logprob,
        second.finish or first.finish,
    )
