"""Refusals as OpenAI's clients read them."""

import json
import logging
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from mlecs_ray.errors import InputError
from serve.answering import STATUS, Declined
from serve.limits import Refused
from serve.observe import record_of
from serve.parts import TAGS, TYPES
from serve.protocol import ErrorBody, Fault
from serve.trouble import Trouble

KINDS = {
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
_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
_SHOWN = 300
"""Characters of what a request said that an error repeats."""


class Mistaken(InputError):
    """The request contradicts itself, whatever it asks for."""


class Absent(InputError):
    """A model, version or gallery that is not there."""


def fault(status: int, message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """The body of a refusal."""
    one = Fault(message=message, type=KINDS.get(status, "server_error"), param=param, code=code)
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
    app.exception_handler(Trouble)(_trouble)
    app.exception_handler(InputError)(_input)
    app.exception_handler(Declined)(_declined)
    app.exception_handler(Refused)(_refused)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(Exception)(_broken)


async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    first, *others = error.errors()
    if unread := _unread(request, error.body, first):
        return respond(400, unread)
    where = _where(first["loc"])
    more = f" (and {len(others)} more)" if others else ""
    return respond(400, f"{where or 'body'}{_value(first)}: {_rule(first)[:_SHOWN]}{more}", param=where or None)


def _unread(request: Request, body: object, first: Mapping[str, Any]) -> str | None:
    """Why a body as a whole says nothing; None where it does."""
    if first["type"] == "json_invalid":
        return f"the body must be JSON, so it was not read: {first['ctx']['error']} at character {first['loc'][-1]}"
    if first["loc"] == ("body",) and first["type"] == "missing":
        return "the body is empty and must be a JSON object, so there is nothing to answer"
    if isinstance(body, bytes):
        kind = request.headers.get("content-type", "")[:_SHOWN]
        return f"Content-Type {kind!a} must be application/json, so the body was not read"
    return None


def _where(loc: Sequence[int | str]) -> str:
    """The field, without the names of a union's branches."""
    kept = [str(part) for before, part in pairwise(loc) if part not in TAGS and not (_at(before) and part in TYPES)]
    return ".".join(kept)[:_SHOWN]


def _at(part: int | str) -> bool:
    return isinstance(part, int)


def _value(first: Mapping[str, Any]) -> str:
    value = first.get("input")
    if first["type"] == "missing" or not isinstance(value, str | int | float | None):
        return ""
    return f"={value[:40]!a}" if isinstance(value, str) else f"={str(value)[:40]}"


def _rule(first: Mapping[str, Any]) -> str:
    if first["type"] == "none_required":
        return "is unknown to these models and must be left out, or the answer would not be what was asked for"
    if first["type"] == "union_tag_not_found":
        return f"must have a type, one of {', '.join(sorted(TYPES))}"
    # What a rule of ours says stands behind pydantic's own words.
    message: str = first["msg"].removeprefix("Value error, ")
    return message


async def _trouble(_: Request, error: Trouble) -> JSONResponse:
    logging.getLogger(__name__).error("a request failed: %s", error)
    return respond(STATUS[error.kind], error.shown)


async def _input(_: Request, error: InputError) -> JSONResponse:
    status = 404 if isinstance(error, Absent) else getattr(error, "status", 400)
    return respond(status, str(error), code="not_found" if status == 404 else None)


async def _declined(request: Request, error: Declined) -> JSONResponse:
    if error.kind == "role":
        record_of(request.scope).refused = "role"
    return respond(error.status, str(error))


async def _refused(_: Request, error: Refused) -> JSONResponse:
    return respond(error.status, str(error), error.headers)


async def _http(request: Request, error: HTTPException) -> JSONResponse:
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods(request))
    return respond(error.status_code, _told(request, error, headers), headers)


def _told(request: Request, error: HTTPException, headers: Mapping[str, str]) -> str:
    path = ascii(request.scope["path"][:_SHOWN])[1:-1]
    if error.status_code == 404:
        return f"{path} is no path of this server, so nothing is there; GET /openapi.json has all"
    if error.status_code == 405:
        return f"{request.method} is not for {path}, which takes {headers['Allow']}, so nothing was done"
    if error.__cause__ is not None:
        return f"the body {_unreadable(request, error.__cause__)}, so it was not read"
    return str(error.detail)


def _unreadable(request: Request, cause: BaseException) -> str:
    coding = request.headers.get("content-encoding", "identity")
    if coding != "identity":
        return f"has Content-Encoding {coding[:40]!a} and must come as it is"
    if isinstance(cause, RecursionError):
        return "has lists or objects too deep in one another and must be flatter"
    if isinstance(cause, UnicodeDecodeError):
        return "must be UTF-8"
    return "must be JSON with numbers of 4,300 digits at most"


def _methods(request: Request) -> list[str]:
    """All that a path takes: the router names those of the first route alone."""
    app: FastAPI = request.app
    routes = [route for route in app.routes if not isinstance(route, Mount)]
    asked = {method: {**request.scope, "method": method} for method in _METHODS}
    found = [method for method, scope in asked.items() if any(r.matches(scope)[0] is Match.FULL for r in routes)]
    # Where no route has it, it is a file of the page.
    return found or ["GET", "HEAD"]


async def _broken(_: Request, __: Exception) -> JSONResponse:
    # The traceback goes to the server's log, as the error goes on from here.
    return respond(500, "the server failed; its log has more under this request id")
