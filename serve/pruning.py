"""Old versions leave the store when a new one has come, but none that anyone may still ask for."""

import asyncio
import logging
import shutil
from collections.abc import Collection
from pathlib import Path

from mlecs_ray.errors import InputError
from mlecs_ray.serving.calibration import file_of
from serve.answering import Declined
from serve.desk import Desk
from serve.galleries import asked
from serve.leases import remove
from serve.registry import KEPT, STATE, VERSION, Registry
from serve.spaces import version_of


async def tidy(desk: Desk) -> None:
    """``prune`` with what galleries need. What goes wrong is logged: then old versions stay."""
    try:
        names = await asked(desk.store, "galleries")
        enrolled = {version_of((await asked(desk.store, "facts", name)).space) for name in names}
        gone = await asyncio.to_thread(prune, desk.registry, enrolled)
    except (Declined, InputError, OSError) as error:
        logging.getLogger(__name__).warning("old versions stay in the store: %s", error)
        return
    if gone:
        logging.getLogger(__name__).info("removed from the store: %s", ", ".join(gone))


def prune(registry: Registry, enrolled: Collection[str]) -> list[str]:
    """Remove versions, whose names it returns: all but those in use here, ``enrolled``, named in the rollout's file,
    the last ``KEPT`` that were taken over, and those on which another server has a lease."""
    there = [folder for folder in registry.store.iterdir() if VERSION.fullmatch(folder.name)]
    last = sorted(there, key=lambda folder: folder.stat().st_mtime)[-KEPT:]
    kept = {*registry.in_use, *enrolled, *_named(registry.store / STATE), *(folder.name for folder in last)}
    gone = [folder for folder in there if folder.name not in kept and remove(folder)]
    for folder in gone:
        file_of(folder).unlink(missing_ok=True)
    # What a process left that died while it removed.
    for left in registry.store.glob(".*.gone"):
        shutil.rmtree(left, ignore_errors=True)
    return [folder.name for folder in gone]


def _named(file: Path) -> list[str]:
    """Every version in it, that of the server's start among them."""
    return VERSION.findall(file.read_text()) if file.is_file() else []
