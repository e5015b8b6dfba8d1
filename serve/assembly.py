"""From settings to a gateway, with its sides wherever they run."""

import asyncio
import gc
import logging
from pathlib import Path

from starlette.types import ASGIApp

from mlecs_ray.errors import InputError
from mlecs_ray.run.bundle import Bundle, read_bundle
from mlecs_ray.serving.people import people_of
from mlecs_ray.serving.rollout import Rules
from serve.desk import Desk
from serve.door import LOOPBACK
from serve.exchange import Rules as ExchangeRules
from serve.galleries import Galleries, Store
from serve.gateway import Opening, make_app
from serve.keys import Keys
from serve.media import MediaLimits
from serve.metrics import Metrics
from serve.models import Hosting, Models, Refusal
from serve.observe import begin_tracing, to_file, write
from serve.registry import open_registry
from serve.senses import Senses, Sensing
from serve.settings import Settings
from serve.sides import Encoding, Side


def hosting(settings: Settings) -> Hosting:
    """How a replica serves: an engine takes as many answers as the gateway lets in, and those that have just ended."""
    return Hosting(
        settings.store,
        settings.residents,
        settings.rows,
        settings.slots,
        settings.context,
        settings.threads,
        settings.engine,
        settings.device,
    )


def sensing(settings: Settings) -> Sensing:
    """What the first version's data was."""
    bundle = first_bundle(settings)
    return Sensing(bundle.scenario.data.name, bundle.row_widths, MediaLimits(hosts=settings.hosts), people_of(bundle))


def first_bundle(settings: Settings) -> Bundle:
    """The version that answers first."""
    return read_bundle(Path(settings.store) / settings.version)


def make_desk(settings: Settings, edge: Side, cloud: Side, encoding: Encoding, store: Store) -> Desk:
    """A gateway's state."""
    rules = Rules(settings.canary_share, settings.canary_answers, seconds=settings.canary_seconds)
    registry = open_registry(
        Path(settings.store), settings.version, settings.policy, settings.edge, settings.cloud, rules
    )
    registry.began = f"{settings.version} {settings.started}"
    registry.recall()
    metrics = Metrics(models=registry)
    return Desk(registry, edge, cloud, encoding, store, metrics, settings.answer_seconds)


def make_gateway(settings: Settings, desk: Desk) -> ASGIApp:
    """The app around it."""
    if settings.tracing is not None:
        begin_tracing(settings.tracing)
    keys = Keys(Path(settings.key_file)) if settings.key_file else None
    exchange = ExchangeRules(body_bytes=32 * 2**20, echo_request_id=not settings.behind_proxy)
    hosts = None if keys else LOOPBACK
    log = to_file(Path(settings.log_file)) if settings.log_file else write
    return make_app(desk, keys, Opening(settings.slots, settings.queue, settings.wait_seconds, exchange, hosts, log))


async def warm(desk: Desk) -> None:
    """Load the usual models and have each say something; then it is ready.

    Raises InputError where one cannot be loaded. A side that does not answer is left for later, as the other can.
    """
    # What is imported by now stays: else the collector may look through all of it, for half a second, when a large body
    # has been read.
    gc.collect()
    gc.freeze()
    version = desk.registry.versions[desk.registry.rollout.stable]
    asked = [side.warm([model]) for side, model in desk.usual(version)]
    senses, *sides = await asyncio.gather(desk.encoding.warm(), *asked)
    refused = [one for one in (senses, *sides) if isinstance(one, Refusal)]
    for one in refused:
        if one.kind != "down" or all(isinstance(side, Refusal) for side in sides):
            raise InputError(f"models cannot be loaded: {one.message}")
        logging.getLogger(__name__).warning("not loaded yet: %s", one.message)
    desk.ready = True


def local_desk(settings: Settings) -> Desk:
    """Everything in this process: for tests, and for machines without Ray."""
    models = Models(hosting(settings))
    return make_desk(settings, models, models, Senses(sensing(settings)), Galleries(settings.gallery))
