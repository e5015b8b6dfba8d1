"""Many calls at once, but not too many."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

MOST = 4
"""Calls of one request that are under way: each may hold a picture of 25 megapixels, and all use the same cores."""


async def together(calls: Iterable[Callable[[], Awaitable[T]]], most: int = MOST) -> list[T]:
    """What each call gives, in their order; the first that fails ends all others."""
    gate = asyncio.Semaphore(most)

    async def one(call: Callable[[], Awaitable[T]]) -> T:
        async with gate:
            return await call()

    tasks = [asyncio.ensure_future(one(call)) for call in calls]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
