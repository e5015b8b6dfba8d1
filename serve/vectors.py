"""``/v1/embeddings``, ``/v1/gallery`` and ``/v1/search``: what is sensed or said as vectors, kept and found again."""

import base64
import time
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Query, Request

from mlecs_ray.errors import InputError
from serve.answering import granted
from serve.content import MOST, check_length, parts_of, sense, words_of
from serve.desk import Desk
from serve.entries import THUMBNAIL, Card, Embedding, Entry, Facts, Hit, media_type
from serve.faults import Absent
from serve.finding import Enrolled, EnrolRequest, Found, GalleryEntry, SearchRequest, SearchResult
from serve.galleries import asked
from serve.media import decoded
from serve.parts import ContentPart
from serve.protocol import Embedding as Row
from serve.protocol import EmbeddingRequest, Embeddings, Usage, Wish
from serve.senses import TEXTS
from serve.sides import Vectors
from serve.where import Choice, Sighting, Where

Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Input = str | Sequence[ContentPart]


def router(desk: Desk) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1")

    @routes.post("/embeddings")
    async def embeddings(request: Request, body: EmbeddingRequest) -> Embeddings:
        """Vectors of length 1 of words, or of lists of content: what edge and cloud make of it, in one space."""
        rows: list[Input] = [body.input] if isinstance(body.input, str) else list(body.input)
        check_length((row if isinstance(row, str) else words_of(row) for row in rows), 10 * MOST)
        model, vectors = await Eye(desk, request, body.model).vectors(rows)
        data = [Row(index=i, embedding=_encoded(one, body.encoding_format)) for i, one in enumerate(vectors)]
        words = sum(len(row.split()) for row in rows if isinstance(row, str))
        return Embeddings(data=data, model=model, usage=Usage(prompt_tokens=words, total_tokens=words))

    @routes.get("/gallery")
    async def galleries() -> dict[str, Any]:
        """All galleries, and what they are."""
        names: list[str] = await asked(desk.store, "galleries")
        facts: list[Facts] = [await asked(desk.store, "facts", name) for name in names]
        found = [{"id": name, **vars(one)} for name, one in zip(names, facts, strict=True)]
        return {"object": "list", "data": found}

    @routes.post("/gallery/{gallery}")
    async def enrol(request: Request, gallery: Name, body: EnrolRequest) -> Enrolled:
        """Add entries, or replace those of the same id: all or none. The first makes the gallery."""
        eye = Eye(desk, request, body.model, await _space(desk, gallery))
        model, vectors = await eye.of_entries(body.entries)
        entries = [_entry(one, vector, model) for one, vector in zip(body.entries, vectors, strict=True)]
        return Enrolled(gallery=gallery, ids=await asked(desk.store, "enrol", gallery, entries), model=model)

    @routes.get("/gallery/{gallery}")
    async def page(
        gallery: Name,
        after: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        """Entries in the order of their ids."""
        await _existing(desk, gallery)
        found: list[Card] = await asked(desk.store, "page", gallery, after, limit)
        return {"object": "list", "data": [_found(Hit(1.0, one)).model_dump(exclude={"score"}) for one in found]}

    @routes.delete("/gallery/{gallery}/{entry:path}")
    async def remove(gallery: Name, entry: Annotated[str, Path(min_length=1, max_length=200)]) -> dict[str, Any]:
        """Remove one entry."""
        await _existing(desk, gallery)
        return {"id": entry, "deleted": await asked(desk.store, "delete", gallery, [entry]) == 1}

    @routes.delete("/gallery/{gallery}")
    async def drop(gallery: Name) -> dict[str, Any]:
        """Remove a gallery and all that it holds."""
        await _existing(desk, gallery)
        await asked(desk.store, "drop", gallery)
        return {"id": gallery, "deleted": True}

    @routes.post("/search")
    async def search(request: Request, body: SearchRequest) -> SearchResult:
        """The entries of a gallery that are most like what is sensed, said, or given."""
        start = time.monotonic()
        space = await _existing(desk, body.gallery)
        model, (vector,) = await Eye(desk, request, body.model, space).queried(body)
        query = Embedding(vector, space, model)
        hits: list[Hit] = await asked(desk.store, "search", body.gallery, query, body.top_k, _where(body))
        data = [await _shown(desk, body.gallery, hit) for hit in hits]
        return SearchResult(gallery=body.gallery, model=model, data=data, latency_seconds=time.monotonic() - start)

    return routes


class Eye:
    """Makes vectors by one model: of the version that a gallery is of, where there is one."""

    def __init__(self, desk: Desk, request: Request, model: str, space: str | None = None) -> None:
        self._desk, self._request = desk, request
        self._model = _in_space(model, space)

    async def vectors(self, rows: Sequence[Input]) -> tuple[str, Vectors]:
        """The model's full name, and a vector a row. Raises Declined where a row cannot be sensed."""
        if self._model == TEXTS:
            words = [row if isinstance(row, str) else words_of(row) for row in rows]
            return TEXTS, granted(await self._desk.encoding.embed(words))
        _, chosen = self._desk.choose(self._request, self._model, Wish())
        side, model = self._desk.side(chosen)
        found: Vectors = []
        for row in rows:
            samples = None if isinstance(row, str) else await sense(self._desk.encoding, parts_of(row))
            if samples is not None:
                found += granted(await side.embed(model, [samples]))
            else:
                text = row if isinstance(row, str) else words_of(row)
                found += granted(await side.embed_text(model, [text]))
        return model, found

    async def of_entries(self, entries: Sequence[GalleryEntry]) -> tuple[str, Vectors]:
        """Of entries to enrol, each with an input or a vector."""
        for one in entries:
            if (one.input is None) == (one.vector is None):
                raise InputError("an entry must have either input or vector, or it is not clear what is enrolled")
        model, made = await self.vectors([one.input for one in entries if one.input is not None])
        left = iter(made)
        return model, [next(left) if one.vector is None else list(one.vector) for one in entries]

    async def queried(self, body: SearchRequest) -> tuple[str, Vectors]:
        """Of what is searched for."""
        if (body.input is None) == (body.vector is None):
            raise InputError("a search must have either input or vector, or it is not clear what is looked for")
        if body.vector is not None:
            self._known()
            return self._model, [list(body.vector)]
        asked = body.input if body.input is not None else ""
        if not isinstance(asked, str) and parts_of(asked) and words_of(asked).strip():
            raise InputError(
                "input holds both words and something sensed: only one can be looked for, so leave one out"
            )
        return await self.vectors([asked])

    def _known(self) -> None:
        """Raises Absent: whoever brings a vector says whose it is, and nobody else would look at that."""
        if self._model != TEXTS and self._model.partition("@")[0] not in self._desk.registry:
            raise Absent(f"model {self._model!r} is not served, so its vectors are of no space; GET /v1/models has all")


def _in_space(model: str, space: str | None) -> str:
    """The model in the version of a gallery. Raises InputError where it cannot be."""
    name, _, version = model.partition("@")
    if space is None or space == (TEXTS if name == TEXTS else version):
        return model
    if version or TEXTS in (space, name):
        raise InputError(
            f"the gallery holds vectors of {space}, those of model {model!r} are of another space and cannot be "
            "compared with them"
        )
    return f"{name}@{space}"


async def _space(desk: Desk, gallery: str) -> str | None:
    """Of which version a gallery's vectors are; None where there is none of that name."""
    names: list[str] = await asked(desk.store, "galleries")
    if gallery not in names:
        return None
    facts: Facts = await asked(desk.store, "facts", gallery)
    return facts.space


async def _existing(desk: Desk, gallery: str) -> str:
    space = await _space(desk, gallery)
    if space is None:
        raise Absent(f"gallery {gallery!r} does not exist: POST /v1/gallery/{gallery} makes it with its first entries")
    return space


def _entry(one: GalleryEntry, vector: Sequence[float], model: str) -> Entry:
    modalities = frozenset(part.kind for part in parts_of(one.input or ()))
    return Entry(
        Embedding(vector, _space_of(model), model),
        one.id,
        one.identity,
        one.camera,
        modalities,
        one.metadata,
        _picture(one.thumbnail),
    )


def _picture(url: str | None) -> bytes | None:
    """The bytes of a ``data:`` URL."""
    if url is None:
        return None
    head, comma, _ = url[:64].partition(",")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        raise InputError(f"thumbnail {url[:24]!r} must begin with data:image/png;base64, or alike, so it is refused")
    return decoded(url, len(head) + 1, THUMBNAIL, "thumbnail")


def _space_of(model: str) -> str:
    """All models of a version meet in one space; the sentence encoder has its own."""
    return model.partition("@")[2] or model


def _where(body: SearchRequest) -> Where:
    return Where(
        modality=Choice(None if body.modality is None else frozenset({body.modality})),
        camera=Choice(None if body.cameras is None else frozenset(body.cameras)),
        identity=Choice(None if body.identities is None else frozenset(body.identities)),
        seen=None if body.not_camera is None else Sighting(body.not_camera),
    )


async def _shown(desk: Desk, gallery: str, hit: Hit) -> Found:
    if not hit.card.has_thumbnail:
        return _found(hit)
    entry: Entry = await asked(desk.store, "get", gallery, hit.card.id)
    return _found(hit, entry.thumbnail)


def _found(hit: Hit, thumbnail: bytes | None = None) -> Found:
    card = hit.card
    return Found(
        id=card.id,
        score=hit.score,
        identity=card.identity,
        camera=card.camera,
        modalities=sorted(card.modalities),
        metadata=dict(card.metadata),
        made_by=card.made_by,
        thumbnail=None if thumbnail is None else _data_url(thumbnail),
    )


def _data_url(picture: bytes) -> str:
    return f"data:{media_type(picture)};base64,{base64.b64encode(picture).decode()}"


def _encoded(vector: Sequence[float], encoding: str) -> list[float] | str:
    """OpenAI's client asks for base64 of little-endian float32."""
    if encoding == "float":
        return list(vector)
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode()
