"""The gateway as an ASGI app: OpenAI's routes and ours, behind a door, wherever the models run."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI
from fastapi import Path as InPath
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic.json_schema import models_json_schema
from starlette.responses import Response
from starlette.types import ASGIApp

from serve import chat, enrolment, vectors, versions
from serve.admission import Admission, Gate
from serve.desk import Desk
from serve.door import OPEN, Checks, Door
from serve.exchange import Rules
from serve.faults import install
from serve.heads import Heads
from serve.keyfile import Key
from serve.limits import KeyLimits, Limits
from serve.middleware import Middleware
from serve.observe import write
from serve.protocol import ChatChunk, ErrorBody, ModelCard, ModelList

PAGE = Path(__file__).parent / "page"
ADMIN = frozenset({"/v1/versions"})
REFUSALS = (400, 401, 404, 405, 408, 413, 429, 500, 503)
"""With which any request may be refused."""
_STATE = {"model": dict[str, str]}
ANYONE = Key(
    "anonymous",
    "0" * 64,
    datetime(2026, 1, 1, tzinfo=UTC),
    roles=frozenset({"user", "admin"}),
    limits=Limits(per_minute=1e6, burst=10_000, concurrent=1_000),
)
"""Who asks without a key, where none is asked for."""


@dataclass(frozen=True)
class Opening:
    """How the gateway lets people in."""

    slots: int = 8
    """Requests that are worked on at once."""
    queue: int = 64
    """Requests that wait for that."""
    wait_seconds: float = math.inf
    """Nobody waits who would have to wait for longer."""
    rules: Rules = field(default_factory=lambda: Rules(body_bytes=32 * 2**20))
    hosts: frozenset[str] | None = None
    """The names that are served; None: all."""
    log: Callable[[str], object] = write
    """Is given a line of JSON for each request."""


def make_app(desk: Desk, keys: Checks | None, opening: Opening) -> ASGIApp:
    """The app; ``keys`` None lets everyone in."""
    app = FastAPI(
        title="mlecs-ray",
        summary="Multimodal edge-cloud models over HTTP, in OpenAI's manner",
        version="1",
        docs_url=None,
        redoc_url=None,
        responses={status: {"model": ErrorBody} for status in REFUSALS},
    )
    install(app)
    app.include_router(chat.router(desk))
    app.include_router(vectors.router(desk))
    app.include_router(enrolment.router(desk))
    app.include_router(versions.router(desk))
    _models(app, desk)
    _health(app, desk)
    _page(app)
    app.openapi = lambda: openapi(app)  # type: ignore[method-assign]  # as FastAPI's documentation has it
    gate = Gate(Admission(opening.slots, opening.queue, wait_seconds=opening.wait_seconds), KeyLimits())
    door = Door(Heads(app), keys, gate, ANYONE, ADMIN, opening.hosts)
    return Middleware(door, desk.metrics, opening.rules, opening.log)


def _models(app: FastAPI, desk: Desk) -> None:
    @app.get("/v1/models")
    async def models() -> ModelList:
        """Who can be asked."""
        return ModelList(data=desk.registry.models())

    @app.get("/v1/models/{model}")
    async def model(model: Annotated[str, InPath(max_length=200)]) -> ModelCard:
        """One of them."""
        return await desk.card(model)


def _health(app: FastAPI, desk: Desk) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The gateway runs."""
        return {"status": "ok"}

    @app.get("/readyz", responses={200: _STATE, 503: _STATE})
    async def readyz() -> Response:
        """Whether the models are loaded and can be asked."""
        if not desk.ready or desk.down:
            return JSONResponse({"status": "down" if desk.ready else "loading"}, 503, {"Retry-After": "1"})
        return JSONResponse({"status": "ready", "version": desk.registry.rollout.stable})

    @app.get("/metrics", response_class=Response, responses=_TEXT)
    async def metrics() -> Response:
        """For Prometheus."""
        body, kind = desk.metrics.render()
        return Response(body, media_type=kind)


_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


def _page(app: FastAPI) -> None:
    app.mount("/page", Fresh(directory=PAGE))

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html")


class Fresh(StaticFiles):
    """Files that browsers ask for anew, as an upgrade of the server changes them."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """As ``StaticFiles`` has it."""
        response = super().file_response(*args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-cache")
        return response


def openapi(app: FastAPI) -> dict[str, Any]:
    """The schema as it is answered: refusals are 400 and in OpenAI's form, and a key opens all but a few paths."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        schema["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path, methods in schema["paths"].items():
            for operation in methods.values():
                operation["responses"].pop("422", None)
                if path not in OPEN:
                    operation["security"] = [{"key": []}, {}]
        schemas = schema["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        # FastAPI knows nothing of what is in an event of a stream.
        _, events = models_json_schema([(ChatChunk, "validation")], ref_template="#/components/schemas/{model}")
        schema["components"]["schemas"] = events["$defs"] | schemas
        app.openapi_schema = schema
    return app.openapi_schema
