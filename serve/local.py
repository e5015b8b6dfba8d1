"""The gateway and all that stands behind it in one process, without Ray: for tests, and to look around."""

import asyncio
from collections.abc import Callable

import torch
import uvicorn

from serve.assembly import local_desk, make_gateway, warm
from serve.settings import Settings, check_gpus


def run(settings: Settings, host: str, port: int, ready: Callable[[], None]) -> None:
    """Serve until Ctrl-C; ``ready`` is called once models have answered something. Raises InputError as Ray's does."""
    check_gpus(settings, torch.cuda.device_count(), 1)
    asyncio.run(_serve(settings.model_copy(update={"behind_proxy": False}), host, port, ready))


async def _serve(settings: Settings, host: str, port: int, ready: Callable[[], None]) -> None:
    desk = local_desk(settings)
    config = uvicorn.Config(make_gateway(settings, desk), host, port, log_level="warning", lifespan="off")

    async def begin() -> None:
        try:
            await warm(desk)
            ready()
        except BaseException:
            server.should_exit = True
            raise

    server = uvicorn.Server(config)
    warming = asyncio.get_running_loop().create_task(begin())
    try:
        await server.serve()
    finally:
        if warming.done():
            warming.result()
        warming.cancel()
