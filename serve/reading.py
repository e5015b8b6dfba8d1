"""Bodies of requests as JSON, read by the quicker of two parsers: while one is read, nobody else is answered."""

import json
from collections.abc import Callable, Coroutine
from typing import Any, final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json


def parsed(body: bytes) -> Any:
    """The value; what ``from_json`` refuses is judged by ``json``, which takes a little more and says what is wrong."""
    try:
        return from_json(body)
    except ValueError:
        return json.loads(body)


class Reading(Request):
    """A request whose body is read by ``parsed``."""

    async def json(self) -> Any:
        """As Starlette has it."""
        return parsed(await self.body())


@final
class Route(APIRoute):
    """A route whose body is read by ``Reading``."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As FastAPI's documentation has it."""
        handle = super().get_route_handler()

        async def read(request: Request) -> Response:
            return await handle(Reading(request.scope, request.receive))

        return read
