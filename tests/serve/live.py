"""Servers that listen: a gateway behind a real uvicorn, in a thread, on a port of its own."""

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from rich.console import Console
from starlette.types import ASGIApp

from scenarios.serving import Wanted, prepare
from serve.assembly import local_desk, make_gateway, warm
from serve.desk import Desk
from serve.models import Models
from tests.serving import spoken

READY_SECONDS = 60


@dataclass
class Live:
    """One that runs."""

    url: str
    """Without a slash at its end."""
    loop: asyncio.AbstractEventLoop

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        """On the server's loop."""
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(READY_SECONDS)


@contextmanager
def listening(app: ASGIApp) -> Iterator[Live]:
    """The app on 127.0.0.1, as ``mlecs serve --local`` runs it."""
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="error", lifespan="off"))
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def serve() -> None:
        serving = asyncio.ensure_future(server.serve())
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        ready.set()
        await serving

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(READY_SECONDS)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Live(f"http://127.0.0.1:{port}", loop)
    finally:
        server.should_exit = True
        thread.join(READY_SECONDS)
        loop.close()


@dataclass
class Spoken:
    """The gateway of a tiny run with real, tiny language models, and its parts."""

    live: Live
    desk: Desk
    models: Models

    @property
    def load(self) -> int:
        """Answers under way or waiting, in all engines."""
        return self.models.load


@contextmanager
def speaking(root: Path, **options: Any) -> Iterator[Spoken]:
    """``spoken``'s run, taken, calibrated and served as `mlecs serve --local` does; ``options``: more settings."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    told = {"gallery": str(root / "gallery"), "behind_proxy": False, "threads": 1, **options}
    wanted = Wanted(spoken.run(), (), None, "cascade", 0.3, False, told)
    settings = prepare(wanted, Console(quiet=True))
    desk = local_desk(settings)
    models = desk.edge
    assert isinstance(models, Models)
    with listening(make_gateway(settings, desk)) as live:
        # The sentence encoder is an asset: the models of this run need none.
        live.run(warm(desk))
        try:
            yield Spoken(live, desk, models)
        finally:
            models.close()
