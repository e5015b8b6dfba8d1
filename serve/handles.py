"""Sides, encoding and galleries behind Ray Serve's handles."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Sequence
from typing import Any

from ray.exceptions import RayError
from ray.serve.exceptions import BackPressureError, RayServeException
from ray.serve.handle import DeploymentHandle

from mlecs_ray.samples import Samples
from mlecs_ray.serving.host import Ask, Verdict
from serve.models import Item, Refusal
from serve.senses import Part
from serve.sides import Vectors

CALL_SECONDS = 60.0
"""For anything but an answer in words: a deployment without replicas would be waited for without end."""
_DOWN = (RayError, RayServeException, ConnectionError)


class RaySide:
    """The replicas of one side. Requests for one model go where it is resident."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        # Ray types what a handle returns only for classes that it can see.
        self._handle: Any = handle

    async def stream(self, model: str, ask: Ask) -> AsyncGenerator[Item]:
        """As ``Side`` has it; a replica that dies is a refusal."""
        asked = self._for(model).options(stream=True).stream.remote(model, ask)
        try:
            async for item in asked:
                yield item
        except _DOWN as error:
            yield down(error)
        finally:
            # Of no effect where it has ended; else the replica frees the answer's place.
            asked.cancel()

    async def classify(self, model: str, samples: Samples) -> Verdict | Refusal:
        """As ``Side`` has it."""
        found: Verdict | Refusal = await got(self._for(model).classify.remote(model, samples))
        return found

    async def embed(self, model: str, samples: Sequence[Samples]) -> Vectors | Refusal:
        """As ``Side`` has it."""
        found: Vectors | Refusal = await got(self._for(model).embed.remote(model, samples))
        return found

    async def embed_text(self, model: str, texts: Sequence[str]) -> Vectors | Refusal:
        """As ``Side`` has it."""
        found: Vectors | Refusal = await got(self._for(model).embed_text.remote(model, texts))
        return found

    async def warm(self, models: Sequence[str]) -> Refusal | None:
        """As ``Side`` has it: on the replica that will then be asked."""
        for model in models:
            refused: Refusal | None = await got(self._for(model).warm.remote([model]))
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
        found: Refusal | None = await got(self._handle.warm.remote())
        return found


class RayStore:
    """The replica of the galleries."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._handle = handle

    async def do(self, action: str, *args: Any) -> Any:
        """As ``Store`` has it."""
        return await got(self._handle.do.remote(action, *args))


async def got(asked: Awaitable[Any]) -> Any:
    """What a replica answers; a refusal where it is gone."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            return await asked
    except TimeoutError:
        return Refusal("late", f"it did not answer within {CALL_SECONDS:g} s")
    except _DOWN as error:
        return down(error)


def down(error: Exception) -> Refusal:
    """What an asker is told of a replica that does not answer."""
    if isinstance(error, BackPressureError):
        return Refusal("full", "as many requests wait as may; ask again later")
    logging.getLogger(__name__).warning("a replica did not answer: %s", str(error).splitlines()[0])
    return Refusal("down", f"it does not answer ({type(error).__name__})")
