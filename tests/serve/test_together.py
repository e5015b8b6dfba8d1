"""Many calls at once, but not too many."""

import asyncio

import pytest

from serve.together import together


def test_they_run_side_by_side_to_a_limit_and_their_order_stays() -> None:
    running, most = 0, 0

    async def one(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(20 - number):
            await asyncio.sleep(0)
        running -= 1
        return number

    assert asyncio.run(together(((lambda n=n: one(n)) for n in range(20)), 3)) == list(range(20))
    assert most == 3


def test_the_first_that_fails_ends_the_others() -> None:
    ended = []

    async def waiting() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def failing() -> None:
        raise ValueError("no")

    async def ask() -> None:
        with pytest.raises(ValueError, match="no"):
            await together([waiting, waiting, failing])
        await asyncio.sleep(0)

    asyncio.run(ask())
    assert ended == [True, True]
