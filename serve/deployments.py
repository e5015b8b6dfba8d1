"""The Ray Serve applications: the cloud's LLM, the edge's models, the backbones, the galleries, and the gateway.

``serve.deployments:build`` is what a Serve config file names; its arguments are ``Settings``.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from ray import serve as ray_serve
from ray.serve import Application
from ray.serve.handle import DeploymentHandle
from starlette.types import ASGIApp

from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples
from mlecs_ray.serving.host import Ask, Resident, Verdict
from serve import assembly
from serve.answering import Declined
from serve.drain import Drain
from serve.galleries import Galleries
from serve.handles import RayEncoding, RaySide, RayStore
from serve.models import Hosting, Item, Models, Refusal
from serve.parcels import parcels
from serve.senses import Senses
from serve.settings import Settings
from serve.sides import Vectors
from serve.versions import attempt

_MANY = 10_000
"""The gateway refuses what is too much, and says when to come back; Serve must not cut in before it."""
_LOOK_SECONDS = 2.0
"""So often Serve looks whether a replica lives: for that long, and while another one starts, nobody is there."""


def models_of(residents: int) -> type:
    """A deployment's class that keeps the last ``residents`` models asked for, and tells Serve which."""

    class Side:
        def __init__(self, hosting: Hosting) -> None:
            self._models = Models(hosting, self._resident)

        @ray_serve.multiplexed(max_num_models_per_replica=residents)  # type: ignore[untyped-decorator]  # Ray's
        async def _resident(self, model: str) -> Resident:
            return await self._models.read(model)

        async def stream(self, model: str, ask: Ask) -> AsyncGenerator[tuple[Item, ...]]:
            async with aclosing(parcels(self._models.stream(model, ask))) as sent:
                async for parcel in sent:
                    yield parcel

        async def classify(self, model: str, samples: Samples) -> Verdict | Refusal:
            return await self._models.classify(model, samples)

        async def embed(self, model: str, samples: Sequence[Samples]) -> Vectors | Refusal:
            return await self._models.embed(model, samples)

        async def embed_text(self, model: str, texts: Sequence[str]) -> Vectors | Refusal:
            return await self._models.embed_text(model, texts)

        async def warm(self, models: Sequence[str]) -> Refusal | None:
            return await self._models.warm(models)

    return Side


@ray_serve.ingress()
class Gateway:
    """The app on one replica, which alone knows how a rollout stands."""

    async def __init__(  # type: ignore[misc]  # Ray awaits it
        self,
        settings: Settings,
        edge: DeploymentHandle[Any],
        cloud: DeploymentHandle[Any],
        encoding: DeploymentHandle[Any],
        store: DeploymentHandle[Any],
    ) -> None:
        self._desk = assembly.make_desk(settings, RaySide(edge), RaySide(cloud), RayEncoding(encoding), RayStore(store))
        self._app = Drain(assembly.make_gateway(settings, self._desk))
        # Serve calls the application running, and upgrades move traffic to it, when this has returned.
        await assembly.warm(self._desk)

    def __serve_build_asgi_app__(self) -> ASGIApp:
        return self._app

    async def drain(self, seconds: float) -> bool:
        """Refuse whoever comes from now on; whether all others have their answers within ``seconds``."""
        return await self._app.close(seconds)

    async def on_trial(self) -> str | None:
        """The version that is on trial."""
        self._desk.settle()
        return self._desk.registry.rollout.canary

    async def attempt(self, version: str) -> str | None:
        """Put a version on trial; why not, where it cannot be."""
        try:
            await attempt(self._desk, version)
        except (InputError, Declined) as error:
            return str(error)
        return None


def build(settings: Settings) -> Application:
    """The application of these settings."""
    hosting, cpus = assembly.hosting(settings), {"num_cpus": 0.1}
    gpus = {"num_gpus": settings.gpus} if settings.device == "cuda" else {}

    def side(name: str) -> Application:
        deployment = ray_serve.deployment(
            name=name,
            num_replicas=settings.replicas,
            max_ongoing_requests=_MANY,
            ray_actor_options={"num_cpus": settings.cpus, **gpus},
            graceful_shutdown_timeout_s=settings.answer_seconds,
            health_check_period_s=_LOOK_SECONDS,
        )
        return deployment(models_of(settings.residents)).bind(hosting)

    few = ray_serve.deployment(max_ongoing_requests=64, ray_actor_options=cpus, health_check_period_s=_LOOK_SECONDS)
    gateway = ray_serve.deployment(
        max_ongoing_requests=_MANY,
        ray_actor_options=cpus,
        graceful_shutdown_timeout_s=settings.answer_seconds,
        health_check_period_s=_LOOK_SECONDS,
    )
    return gateway(Gateway).bind(
        settings,
        side("Edge"),
        side("Cloud"),
        few(Senses).bind(assembly.sensing(settings)),
        few(Galleries).bind(settings.gallery),
    )
