"""The galleries as a replica holds them: one store, asked from many requests at once."""

import asyncio
from pathlib import Path
from typing import Any, Protocol

from serve.answering import granted
from serve.entries import Facts
from serve.faults import Absent
from serve.models import Refusal, refusal

ACTIONS = frozenset({"enrol", "search", "get", "page", "delete", "drop", "galleries", "facts"})
"""Methods of ``Gallery`` that can be asked for."""


class Store(Protocol):
    """Galleries, wherever they are."""

    async def do(self, action: str, *args: Any) -> Any:
        """What ``Gallery`` returns for this action, or a refusal."""


class Galleries:
    """A ``Gallery`` in threads."""

    def __init__(self, folder: str) -> None:
        # The library must not be in a process that forks, as whoever starts Ray is.
        from serve.gallery import Gallery

        self._gallery = Gallery(Path(folder))

    async def do(self, action: str, *args: Any) -> Any:
        """As ``Store`` has it."""
        try:
            if action not in ACTIONS:
                raise ValueError(f"action {action!r} must be one of {sorted(ACTIONS)}")
            return await asyncio.to_thread(getattr(self._gallery, action), *args)
        except Exception as error:
            return refusal(error)


async def asked(store: Store, action: str, *args: Any) -> Any:
    """What the store answers. Raises Declined where it refuses."""
    return granted(await store.do(action, *args))


async def facts_of(store: Store, gallery: str) -> Facts | None:
    """What a gallery is; None where there is none of that name. Raises Declined where it cannot be read."""
    found: Facts | Refusal = await store.do("facts", gallery)
    if isinstance(found, Refusal) and found.kind == "input":
        return None
    return granted(found)


async def existing(store: Store, gallery: str) -> Facts:
    """What a gallery is. Raises Absent where there is none of that name, Declined where it cannot be read."""
    facts = await facts_of(store, gallery)
    if facts is None:
        raise Absent(f"gallery {gallery!r} does not exist: POST /v1/gallery/{gallery} makes it with its first entries")
    return facts
