"""Sides, encoding and galleries behind Ray Serve's handles."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Sequence
from typing import Any

from ray.exceptions import RayActorError, RayError, TaskCancelledError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from mlecs_ray.samples import Samples
from mlecs_ray.serving.host import Ask, Verdict
from serve.models import Item, Refusal
from serve.senses import Part
from serve.sides import Vectors

LOAD_SECONDS = 600.0
"""In which a version's models must have been loaded: the first time, language models are unpacked."""
CALL_SECONDS = 60.0
"""For anything but an answer in words: a deployment without replicas would be waited for without end."""
REACH_SECONDS = 3.0
"""In which a replica says that a question has come to it, however long its answer takes. Serve itself would hold the
question until there is a replica again."""
_PAUSE_SECONDS = 1.0
_DOWN = (RayError, RayServeException, ConnectionError)


class RaySide:
    """The replicas of one side. Requests for one model go where it is resident."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        # Ray types what a handle returns only for classes that it can see.
        self._handle: Any = handle
        self._looking: asyncio.Task[None] | None = None

    async def stream(self, model: str, ask: Ask) -> AsyncGenerator[Item]:
        """As ``Side`` has it; a replica that dies is a refusal, and nobody waits for the one that takes its place."""
        if self.away:
            yield _unreached()
            return
        asked = self._for(model).options(stream=True).stream.remote(model, ask)
        try:
            parcel = await _first(asked)
            if parcel is None:
                self._look(model)
                yield _unreached()
                return
            for item in parcel:
                yield item
            async for parcel in asked:
                for item in parcel:
                    yield item
        except TaskCancelledError:
            # The asker has left: Serve ends what it has asked along with it.
            raise asyncio.CancelledError from None
        except _DOWN as error:
            if isinstance(error, RayActorError):
                self._look(model)
            yield down(error)
        finally:
            # Of no effect where it has ended; else the replica frees the answer's place.
            asked.cancel()

    @property
    def away(self) -> bool:
        """As ``Side`` has it: no replica was there, and none has come since."""
        return self._looking is not None and not self._looking.done()

    def _look(self, model: str) -> None:
        """Ask nobody until a replica is there again, at best with the model loaded."""
        if not self.away:
            self._looking = asyncio.get_running_loop().create_task(self._until_warm(model))

    async def _until_warm(self, model: str) -> None:
        models = [model]
        while True:
            try:
                await self._for(model).warm.remote(models)
                return
            except _DOWN as error:
                _log(error)
                # It may be this model by which replicas die.
                models = []
                await asyncio.sleep(_PAUSE_SECONDS)

    async def classify(self, model: str, samples: Samples) -> Verdict | Refusal:
        """As ``Side`` has it."""
        found: Verdict | Refusal = await self._got(self._for(model).classify.remote, model, samples)
        return found

    async def embed(self, model: str, samples: Sequence[Samples]) -> Vectors | Refusal:
        """As ``Side`` has it."""
        found: Vectors | Refusal = await self._got(self._for(model).embed.remote, model, samples)
        return found

    async def embed_text(self, model: str, texts: Sequence[str]) -> Vectors | Refusal:
        """As ``Side`` has it."""
        found: Vectors | Refusal = await self._got(self._for(model).embed_text.remote, model, texts)
        return found

    async def _got(self, remote: Any, model: str, asked: Any) -> Any:
        return _unreached() if self.away else await got(remote(model, asked))

    async def warm(self, models: Sequence[str]) -> Refusal | None:
        """As ``Side`` has it: on the replica that will then be asked."""
        for model in models:
            refused: Refusal | None = await got(self._for(model).warm.remote([model]), LOAD_SECONDS)
            if refused is not None:
                return refused
        return None

    def _for(self, model: str) -> Any:
        """The handle that prefers replicas where the model is resident."""
        return self._handle.options(multiplexed_model_id=model)


class RayEncoding:
    """The replicas of the frozen backbones."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._handle = handle

    async def sense(self, parts: Sequence[Part]) -> Samples | Refusal:
        """As ``Encoding`` has it."""
        found: Samples | Refusal = await got(self._handle.sense.remote(parts))
        return found

    async def embed(self, texts: Sequence[str]) -> Vectors | Refusal:
        """As ``Encoding`` has it."""
        found: Vectors | Refusal = await got(self._handle.embed.remote(texts))
        return found

    async def warm(self) -> Refusal | None:
        """As ``Encoding`` has it."""
        found: Refusal | None = await got(self._handle.warm.remote(), LOAD_SECONDS)
        return found


class RayStore:
    """The replica of the galleries."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._handle = handle

    async def do(self, action: str, *args: Any) -> Any:
        """As ``Store`` has it."""
        return await got(self._handle.do.remote(action, *args))


async def _first(asked: Any) -> tuple[Item, ...] | None:
    """What a replica sends first, if only an empty sign that it has the question; None where no replica has."""
    try:
        async with asyncio.timeout(REACH_SECONDS):
            found: tuple[Item, ...] = await anext(asked, ())
    except TimeoutError:
        return None
    return found


def _unreached() -> Refusal:
    return Refusal("down", "none of its replicas can be reached")


async def got(asked: Awaitable[Any], seconds: float = CALL_SECONDS) -> Any:
    """What a replica answers; a refusal where it is gone."""
    try:
        async with asyncio.timeout(seconds):
            return await asked
    except TimeoutError:
        return Refusal("late", f"it did not answer within {seconds:g} s")
    except TaskCancelledError:
        raise asyncio.CancelledError from None
    except _DOWN as error:
        return down(error)


def down(error: Exception) -> Refusal:
    """What an asker is told of a replica that does not answer."""
    _log(error)
    return Refusal("down", f"it does not answer ({type(error).__name__})")


def _log(error: Exception) -> None:
    logging.getLogger(__name__).warning("a replica did not answer: %s", str(error).partition("\n")[0])
