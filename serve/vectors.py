"""``/v1/embeddings`` and ``/v1/search``: vectors of what is sensed or said, and what lies nearest to one."""

import base64
import time
from collections.abc import Sequence
from functools import partial

import numpy as np
from fastapi import APIRouter, Request

from serve.content import MOST, check_length, words_of
from serve.desk import Desk
from serve.entries import Embedding, Entry, Hit
from serve.eye import Eye, Input
from serve.finding import Found, SearchRequest, SearchResult, found
from serve.galleries import asked, existing
from serve.protocol import Embedding as Row
from serve.protocol import EmbeddingRequest, Embeddings, Usage
from serve.reading import Route
from serve.together import together
from serve.where import Choice, Sighting, Where


def router(desk: Desk) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1", route_class=Route)

    @routes.post("/embeddings")
    async def embeddings(request: Request, body: EmbeddingRequest) -> Embeddings:
        """Vectors of length 1 of words, or of lists of content."""
        rows: list[Input] = [body.input] if isinstance(body.input, str) else list(body.input)
        check_length((row if isinstance(row, str) else words_of(row) for row in rows), 10 * MOST)
        seen = await Eye(desk, request, body.model).vectors(rows)
        data = [Row(index=i, embedding=_encoded(one, body.encoding_format)) for i, one in enumerate(seen.vectors)]
        words = sum(len(row.split()) for row in rows if isinstance(row, str))
        usage = Usage(prompt_tokens=words, total_tokens=words)
        return Embeddings(data=data, model=seen.model, usage=usage, mlecs=seen.told)

    @routes.post("/search")
    async def search(request: Request, body: SearchRequest) -> SearchResult:
        """The entries of a gallery that are most like what is sensed, said, or given."""
        start = time.monotonic()
        facts = await existing(desk.store, body.gallery)
        seen = await Eye(desk, request, body.model, facts.space).queried(body)
        query = Embedding(seen.vectors[0], facts.space, seen.model)
        hits: list[Hit] = await asked(desk.store, "search", body.gallery, query, body.top_k, _where(body))
        data = await together(partial(_shown, desk, body.gallery, hit) for hit in hits)
        took = time.monotonic() - start
        return SearchResult(gallery=body.gallery, model=seen.model, data=data, latency_seconds=took, mlecs=seen.told)

    return routes


def _where(body: SearchRequest) -> Where:
    return Where(
        modality=Choice(None if body.modality is None else frozenset({body.modality})),
        camera=Choice(None if body.cameras is None else frozenset(body.cameras)),
        identity=Choice(None if body.identities is None else frozenset(body.identities)),
        seen=None if body.not_camera is None else Sighting(body.not_camera),
    )


async def _shown(desk: Desk, gallery: str, hit: Hit) -> Found:
    if not hit.card.has_thumbnail:
        return found(hit)
    entry: Entry = await asked(desk.store, "get", gallery, hit.card.id)
    return found(hit, entry.thumbnail)


def _encoded(vector: Sequence[float], encoding: str) -> list[float] | str:
    """OpenAI's client asks for base64 of little-endian float32."""
    if encoding == "float":
        return list(vector)
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode()
