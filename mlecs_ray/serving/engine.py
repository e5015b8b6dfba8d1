"""What turns prompts into answers, token by token: one Protocol, and the engine that ships."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from torch import Tensor

from mlecs_ray.models.lora import Backbone
from mlecs_ray.serving.batcher import Answer, Batcher, Piece
from mlecs_ray.serving.sampling import Sampling
from mlecs_ray.tree import Tree


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
        """Pieces that the asker was too slow to take one by one come as one."""
        loop, pieces = asyncio.get_running_loop(), asyncio.Queue[Piece]()
        answer = self._submit(adapters, prompt, sampling, lambda piece: _hand_over(loop, pieces, piece))
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


def _hand_over(loop: asyncio.AbstractEventLoop, pieces: "asyncio.Queue[Piece]", piece: Piece) -> None:
    try:
        loop.call_soon_threadsafe(pieces.put_nowait, piece)
    except RuntimeError:
        # The asker's loop is gone, and so is the asker.
        return


def joined(first: Piece, second: Piece) -> Piece:
    """Two pieces as one."""
    return Piece(
        first.text + second.text,
        first.tokens + second.tokens,
        first.logprob + second.logprob,
        second.finish or first.finish,
    )
