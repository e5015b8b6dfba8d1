"""``/v1/gallery``: what is sensed, kept as vectors with who and where it was; listed, and taken out again."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from mlecs_ray.errors import InputError
from serve.answering import Declined
from serve.content import parts_of
from serve.desk import Desk
from serve.door import KEY
from serve.entries import THUMBNAIL, Card, Embedding, Entry, Facts, Hit, Who
from serve.eye import Eye
from serve.finding import Enrolled, EnrolRequest, GalleryEntry, found
from serve.galleries import asked, existing, facts_of
from serve.keyfile import Key
from serve.media import decoded
from serve.protocol import ErrorBody
from serve.reading import Route
from serve.together import together

Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
_OWNERS: dict[int | str, dict[str, Any]] = {403: {"model": ErrorBody}}


def router(desk: Desk) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1", route_class=Route)
    _enrolling(routes, desk)
    _looking(routes, desk)
    _removing(routes, desk)
    return routes


def _enrolling(routes: APIRouter, desk: Desk) -> None:
    @routes.post("/gallery/{gallery}", responses=_OWNERS)
    async def enrol(request: Request, gallery: Name, body: EnrolRequest) -> Enrolled:
        """Add entries, all or none. The first make the gallery, which is then the key's; others may add to it, and
        only that key, or one of the role admin, replaces those of the same id."""
        facts = await facts_of(desk.store, gallery)
        space = None if facts is None else facts.space
        seen = await Eye(desk, request, body.model, space, keeps=True).of_entries(body.entries)
        rows = zip(body.entries, seen.vectors, seen.spaces, strict=True)
        entries = [_entry(one, Embedding(vector, space, seen.model)) for one, vector, space in rows]
        ids = await asked(desk.store, "enrol", gallery, entries, _who(request))
        return Enrolled(gallery=gallery, ids=ids, model=seen.model, mlecs=seen.told)


def _looking(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/gallery")
    async def galleries() -> dict[str, Any]:
        """All galleries, and what they are."""
        names: list[str] = await asked(desk.store, "galleries")
        facts = await together(partial(_listed, desk, name) for name in names)
        return {"object": "list", "data": [one for one in facts if one is not None]}

    @routes.get("/gallery/{gallery}")
    async def page(
        gallery: Name,
        after: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        """Entries in the order of their ids."""
        await existing(desk.store, gallery)
        cards: list[Card] = await asked(desk.store, "page", gallery, after, limit)
        return {"object": "list", "data": [found(Hit(1.0, one)).model_dump(exclude={"score"}) for one in cards]}


def _removing(routes: APIRouter, desk: Desk) -> None:
    @routes.delete("/gallery/{gallery}/{entry:path}", responses=_OWNERS)
    async def remove(
        request: Request, gallery: Name, entry: Annotated[str, Path(min_length=1, max_length=200)]
    ) -> dict[str, Any]:
        """Remove one entry. For the key that made the gallery, and those of the role admin."""
        await _there(desk, gallery)
        return {"id": entry, "deleted": await asked(desk.store, "delete", gallery, [entry], _who(request)) == 1}

    @routes.delete("/gallery/{gallery}", responses=_OWNERS)
    async def drop(request: Request, gallery: Name) -> dict[str, Any]:
        """Remove a gallery and all that it holds. For the key that made it, and those of the role admin."""
        await _there(desk, gallery)
        await asked(desk.store, "drop", gallery, _who(request))
        return {"id": gallery, "deleted": True}


def _who(request: Request) -> Who:
    key: Key = request.scope[KEY]
    return Who(key.name, "admin" in key.roles)


async def _there(desk: Desk, gallery: str) -> None:
    """Raise Absent where there is no such gallery. A damaged one is there."""
    try:
        await existing(desk.store, gallery)
    except Declined as declined:
        if declined.kind != "failed":
            raise


async def _listed(desk: Desk, gallery: str) -> dict[str, Any] | None:
    """What is told of a gallery, but not whose it is; None for one that was dropped meanwhile."""
    facts = await desk.store.do("facts", gallery)
    if isinstance(facts, Facts):
        return {"id": gallery, "space": facts.space, "width": facts.width, "entries": facts.entries, "damaged": False}
    if facts.kind == "failed":
        return {"id": gallery, "space": None, "width": None, "entries": None, "damaged": True}
    if facts.kind == "input":
        return None
    raise Declined(facts)


def _entry(one: GalleryEntry, embedding: Embedding) -> Entry:
    modalities = frozenset(part.kind for part in parts_of(one.input or ()))
    picture = _picture(one.thumbnail)
    return Entry(embedding, one.id, one.identity, one.camera, modalities, one.metadata, picture)


def _picture(url: str | None) -> bytes | None:
    """The bytes of a ``data:`` URL."""
    if url is None:
        return None
    head, comma, _ = url[:64].partition(",")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        raise InputError(f"thumbnail {url[:24]!r} must begin with data:image/png;base64, or alike, so it is refused")
    return decoded(url, len(head) + 1, THUMBNAIL, "thumbnail")
