"""Calls to edge actors that outlive the actor they were made to."""

from collections.abc import Callable
from typing import Any, Protocol

from ray.exceptions import RayActorError

RETRIES = 3
"""How often a call is made again after its actor is gone for good."""


class Crew(Protocol):
    """Who can be called."""

    actors: list[Any]

    def replace(self, host: int, dead: Any) -> None:
        """Put another actor in the place of one that is gone for good, unless that was done already."""


class Call:
    """A call to an actor, begun when this was made, and begun again on its successor if the actor is lost for good."""

    def __init__(self, crew: Crew, host: int, send: Callable[[Any], Any]) -> None:
        self._crew, self._host, self._send = crew, host, send
        self._begin()

    def _begin(self) -> None:
        self._actor = self._crew.actors[self._host]
        self._refs = self._send(self._actor)

    async def landed(self) -> tuple[Any, list[Any]]:
        """The first thing that the call returned, and references to all others."""
        for _ in range(RETRIES):
            try:
                return await self._returned()
            except RayActorError:
                self._crew.replace(self._host, self._actor)
                self._begin()
        return await self._returned()

    async def _returned(self) -> tuple[Any, list[Any]]:
        first, *others = self._refs if isinstance(self._refs, list) else [self._refs]
        return await first, others
