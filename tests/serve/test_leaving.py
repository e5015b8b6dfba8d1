"""Work ends when its client leaves."""

import asyncio
from typing import Any

import pytest
from fastapi import Request
from starlette.requests import ClientDisconnect

from serve.leaving import unless_left


def _request(*messages: dict[str, Any]) -> Request:
    left = list(messages)

    async def receive() -> dict[str, Any]:
        if left:
            return left.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    return Request({"type": "http"}, receive)


async def _endless(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.01)
        ended.append("place given back")


def test_work_of_a_client_that_stays_comes_to_its_end() -> None:
    async def work() -> int:
        await asyncio.sleep(0.01)
        return 7

    assert asyncio.run(unless_left(_request({"type": "http.request"}), work())) == 7


def test_what_goes_wrong_is_passed_on() -> None:
    async def work() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(unless_left(_request(), work()))


def test_work_for_nobody_is_ended_and_has_ended_by_then() -> None:
    ended: list[str] = []

    with pytest.raises(ClientDisconnect):
        asyncio.run(unless_left(_request({"type": "http.request"}, {"type": "http.disconnect"}), _endless(ended)))
    assert ended == ["place given back"]


def test_whoever_is_cancelled_takes_the_work_along() -> None:
    ended: list[str] = []

    async def ask() -> None:
        async with asyncio.timeout(0.05):
            await unless_left(_request(), _endless(ended))

    with pytest.raises(TimeoutError):
        asyncio.run(ask())
    assert ended == ["place given back"]
