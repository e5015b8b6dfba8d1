"""``/v1/versions``: what answers, what is on trial, and how to put a newer one on trial, promote it or go back."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from mlecs_ray.errors import InputError
from mlecs_ray.serving.rollout import Tally
from serve.answering import Declined
from serve.desk import Desk
from serve.faults import Absent
from serve.models import Refusal
from serve.parts import Own
from serve.protocol import ErrorBody
from serve.pruning import tidy
from serve.reading import Route
from serve.trouble import Trouble, ours


class Shown(BaseModel):
    """What a version has shown while one is on trial."""

    answers: int
    failure_rate: float
    mean_seconds: float | None
    mean_confidence: float | None


class Versions(BaseModel):
    """The rollout as it stands."""

    stable: str
    canary: str | None
    previous: str | None
    """What rolling back without a trial would bring back."""
    share: float
    known: list[str]
    tallies: dict[str, Shown]
    history: list[str]


class Order(Own):
    """What to do; ``version`` for ``try``."""

    action: Literal["try", "promote", "roll back"]
    version: Annotated[str, StringConstraints(pattern=r"^\d+-[0-9a-f]{8}$")] | None = None


def router(desk: Desk) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1", route_class=Route)

    @routes.get("/versions")
    async def versions() -> Versions:
        """What answers, and what is on trial."""
        desk.settle()
        return shown(desk)

    @routes.post("/versions", responses={403: {"model": ErrorBody}})
    async def order(body: Order) -> Versions:
        """Put a version of the store on trial, promote the one that is, or go back. For keys of the role admin."""
        if body.action == "try":
            if body.version is None:
                raise InputError("version must say what to try, or nothing can be put on trial")
            await attempt(desk, body.version)
        elif body.action == "promote":
            desk.registry.rollout.promote()
            desk.registry.remember()
        else:
            desk.registry.rollout.roll_back()
            desk.registry.remember()
        return shown(desk)

    return routes


async def attempt(desk: Desk, version: str) -> None:
    """Put a version on trial once its usual models are loaded, so that nobody waits for that.

    Raises Declined, and Trouble where its files or models are damaged.
    """
    registry = desk.registry
    if version == registry.rollout.stable:
        raise InputError(f"version {version} answers already, so there is nothing to try")
    if not (registry.store / version).is_dir():
        raise Absent(f"version {version!r} is not in this server's store, so there is nothing to try")
    with ours(f"version {version}"):
        found = await asyncio.to_thread(registry.add, version)
    await tidy(desk)
    try:
        for side, model in desk.usual(found):
            refused = await side.warm([model])
            if isinstance(refused, Refusal):
                raise _refused(version, refused)
    except BaseException:
        registry.forget(version)
        raise
    registry.rollout.begin(version)
    registry.remember()


def _refused(version: str, refusal: Refusal) -> Exception:
    if refusal.kind != "failed":
        return Declined(refusal)
    shown = f"version {version} cannot be loaded on this server, so it is not tried; the server's log says why"
    return Trouble(f"version {version}: {refusal.message}", shown)


def shown(desk: Desk) -> Versions:
    """The rollout as it stands."""
    rollout = desk.registry.rollout
    return Versions(
        stable=rollout.stable,
        canary=rollout.canary,
        previous=rollout.previous,
        share=rollout.rules.share,
        known=list(desk.registry.versions),
        tallies={name: _shown(tally) for name, tally in rollout.tallies.items()},
        history=rollout.history,
    )


def _shown(tally: Tally) -> Shown:
    return Shown(
        answers=tally.answers,
        failure_rate=tally.failure_rate,
        mean_seconds=tally.mean_seconds if tally.answers else None,
        mean_confidence=tally.mean_confidence if tally.judged else None,
    )
