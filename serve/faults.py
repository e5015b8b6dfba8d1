"""Refusals as OpenAI's clients read them."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from mlecs_ray.errors import InputError
from serve.answering import STATUS, Declined
from serve.limits import Refused
from serve.models import Refusal
from serve.protocol import ErrorBody, Fault

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "overloaded_error",
}
"""OpenAI's names of what went wrong."""
RETRY_SECONDS = 1


class Absent(InputError):
    """A model, version or gallery that is not there."""


class Failed(Exception):
    """A refusal of a side, on its way to the asker."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.status = STATUS[refusal.kind]


def fault(status: int, message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """The body of a refusal."""
    one = Fault(message=message, type=TYPES.get(status, "server_error"), param=param, code=code)
    return ErrorBody(error=one).model_dump()


def respond(status: int, message: str, headers: Mapping[str, str] | None = None, **more: str | None) -> JSONResponse:
    """A refusal; where the asker should come again, when."""
    told = dict(headers or {})
    if status == 503:
        told.setdefault("Retry-After", str(RETRY_SECONDS))
    return JSONResponse(fault(status, message, **more), status, told)


def event(status: int, message: str) -> str:
    """A refusal in the middle of a stream."""
    return f"data: {json.dumps(fault(status, message))}\n\n"


def install(app: FastAPI) -> None:
    """Make the app refuse in this manner."""
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(InputError)(_input)
    app.exception_handler(Declined)(_declined)
    app.exception_handler(Failed)(_declined)
    app.exception_handler(Refused)(_refused)
    app.exception_handler(HTTPException)(_http)


async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    more = f" (and {len(error.errors()) - 1} more)" if len(error.errors()) > 1 else ""
    return respond(400, f"{where or 'body'}: {first['msg']}{more}", param=where or None)


async def _input(_: Request, error: InputError) -> JSONResponse:
    status = 404 if isinstance(error, Absent) else getattr(error, "status", 400)
    return respond(status, str(error), code="not_found" if status == 404 else None)


async def _declined(_: Request, error: Declined | Failed) -> JSONResponse:
    return respond(error.status, str(error))


async def _refused(_: Request, error: Refused) -> JSONResponse:
    return respond(error.status, str(error), error.headers)


async def _http(_: Request, error: HTTPException) -> JSONResponse:
    return respond(error.status_code, str(error.detail), error.headers)
