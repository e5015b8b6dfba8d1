"""What goes from a replica to whoever asks it: each thing that is sent takes milliseconds, so little is sent."""

import asyncio
from collections.abc import AsyncGenerator

from serve.models import Began, Item

SIGN_SECONDS = 1.0
"""After which whoever has no word yet is told that a replica has the question."""


async def parcels(items: AsyncGenerator[Item]) -> AsyncGenerator[tuple[Item, ...]]:
    """``items`` as they are sent: who answers goes with the first word, and before it, where that is long in coming, an
    empty sign that somebody is there."""
    held: tuple[Item, ...] = ()
    first = asyncio.ensure_future(anext(items))
    try:
        await asyncio.wait({first}, timeout=SIGN_SECONDS)
        if not first.done():
            yield ()
        held = (await first,)
        if not isinstance(held[0], Began):
            yield held
            held = ()
        async for item in items:
            yield (*held, item)
            held = ()
    finally:
        first.cancel()
        await asyncio.wait({first})
        await items.aclose()
