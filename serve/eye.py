"""Vectors of what is sensed or said, by one model, in one space."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from fastapi import Request

from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples
from serve.answering import granted
from serve.content import parts_of, sense, words_of
from serve.costs import Load
from serve.desk import Desk
from serve.either import either, meant
from serve.finding import GalleryEntry, SearchRequest
from serve.models import Refusal
from serve.observe import record_of
from serve.parts import ContentPart
from serve.protocol import Told, Wish
from serve.registry import Chosen
from serve.senses import TEXTS
from serve.sides import Side, Vectors
from serve.spaces import shared, space_of, version_of
from serve.together import together

Input = str | Sequence[ContentPart]


@dataclass(frozen=True)
class Seen:
    """Vectors, who made them, and in which space each lies."""

    model: str
    """``name@version``."""
    vectors: Vectors
    spaces: Sequence[str]
    told: Told | None = None
    """None where all vectors were given."""


class Eye:
    """Makes vectors in the space of a gallery where there is one, else by the version that answers.

    Never by one on trial, unless the model names it: that may go, and vectors of two versions cannot be compared.
    """

    def __init__(self, desk: Desk, request: Request, model: str, space: str | None = None, keeps: bool = False) -> None:
        """``keeps``: the vectors are put beside others, so that no other model stands in."""
        self._desk, self._request, self._space, self._keeps = desk, request, space, keeps
        self._model = _pinned(model, desk.registry.rollout.stable if space is None else version_of(space))

    async def vectors(self, rows: Sequence[Input]) -> Seen:
        """One of length 1 for each row. Raises Declined where one cannot be sensed, or nobody can make them."""
        parts = [[] if isinstance(row, str) else parts_of(row) for row in rows]
        if self._model == TEXTS:
            if any(parts):
                raise InputError(f"model {TEXTS!r} reads words alone, so content to sense must go to another one")
            return await self._encoded([_text(row) for row in rows])
        chosen, spaces = await self._means([not one for one in parts])
        samples = await together(partial(sense, self._desk.encoding, one) for one in parts if one)
        texts = [_text(row) for row, one in zip(rows, parts, strict=True) if not one]
        asked = _Asked([one for one in samples if one is not None], texts, [bool(one) for one in parts])
        stands = not self._keeps and all(shared(chosen.version, words) for words in {not one for one in parts})
        given = await either(self._desk, chosen, asked.made, stands)
        record_of(self._request.scope).answered_by = given.side
        return Seen(given.model, given.found, spaces, given.told(asked.load(given.found)))

    async def _encoded(self, texts: Sequence[str]) -> Seen:
        """By the sentence encoder, which is of no side."""
        self._fit(TEXTS)
        start = time.monotonic()
        found = granted(await self._desk.encoding.embed(texts))
        record_of(self._request.scope).answered_by = "encoder"
        told = Told(
            answered_by="encoder",
            model=TEXTS,
            version=TEXTS,
            policy="none",
            why="the sentence encoder was asked for",
            latency_seconds=time.monotonic() - start,
        )
        return Seen(TEXTS, found, [TEXTS] * len(texts), told)

    async def _means(self, words: Sequence[bool]) -> tuple[Chosen, list[str]]:
        """Who is meant, and the space of each row, which is of words or sensed. Raises InputError for another one
        than the gallery's."""
        _, chosen = await self._desk.choose(self._request, self._model, Wish())
        _, model = meant(chosen)
        spaces = [space_of(chosen.version, model, one) for one in words]
        for space in spaces:
            self._fit(space)
        return chosen, spaces

    def _fit(self, space: str) -> None:
        if self._space not in (None, space):
            raise InputError(
                f"the gallery holds vectors of {self._space}, those of model {self._model!r} are of another space and "
                "cannot be compared with them"
            )

    async def of_entries(self, entries: Sequence[GalleryEntry]) -> Seen:
        """Of entries to enrol, each with an input or a vector."""
        for one in entries:
            if (one.input is None) == (one.vector is None):
                raise InputError("an entry must have either input or vector, or it is not clear what is enrolled")
        inputs = [one.input for one in entries if one.input is not None]
        given = [list(one.vector) for one in entries if one.vector is not None]
        brought = await self._brought(given) if given else Seen(self._model, [], [])
        made = await self.vectors(inputs) if inputs else brought
        left = {
            False: zip(made.vectors, made.spaces, strict=True),
            True: zip(brought.vectors, brought.spaces, strict=True),
        }
        pairs = [next(left[one.input is None]) for one in entries]
        return Seen(made.model, [vector for vector, _ in pairs], [space for _, space in pairs], made.told)

    async def queried(self, body: SearchRequest) -> Seen:
        """Of what is searched for."""
        if (body.input is None) == (body.vector is None):
            raise InputError("a search must have either input or vector, or it is not clear what is looked for")
        if body.input is None:
            return await self._brought([list(body.vector or ())])
        if not isinstance(body.input, str) and parts_of(body.input) and words_of(body.input).strip():
            raise InputError(
                "input holds both words and something sensed: only one can be looked for, so leave one out"
            )
        return await self.vectors([body.input])

    async def _brought(self, vectors: Vectors) -> Seen:
        """Given vectors, by the word of whoever brings them: they may be of words, or of what is sensed."""
        if self._model == TEXTS:
            self._fit(TEXTS)
            return Seen(TEXTS, vectors, [TEXTS] * len(vectors))
        _, chosen = await self._desk.choose(self._request, self._model, Wish())
        _, model = meant(chosen)
        mine = [space_of(chosen.version, model, words) for words in (False, True)]
        space = self._space if self._space in mine else mine[0]
        self._fit(space)
        return Seen(model, vectors, [space] * len(vectors))


@dataclass(frozen=True)
class _Asked:
    """Rows, apart by what a model does with them: two calls for all of them."""

    samples: Sequence[Samples]
    texts: Sequence[str]
    sensed: Sequence[bool]
    """Of each row, in order."""

    async def made(self, side: Side, model: str) -> Vectors | Refusal:
        """The vectors, in order."""
        seen = await side.embed(model, self.samples) if self.samples else []
        said = await side.embed_text(model, self.texts) if self.texts else []
        if isinstance(seen, Refusal) or isinstance(said, Refusal):
            return seen if isinstance(seen, Refusal) else said
        left = {True: iter(seen), False: iter(said)}
        return [next(left[sensed]) for sensed in self.sensed]

    def load(self, made: Vectors) -> Load:
        """Numbers come back in four bytes each."""
        words = sum(len(text.encode()) for text in self.texts)
        return Load(self.samples, words, len(self.texts), 4 * sum(map(len, made)))


def _text(row: Input) -> str:
    return row if isinstance(row, str) else words_of(row)


def _pinned(model: str, version: str) -> str:
    """The model in this version, unless it names one. Raises InputError where the encoder's space is meant."""
    name, at, _ = model.partition("@")
    if at or name == TEXTS:
        return model
    if version == TEXTS:
        raise InputError(
            f"the gallery holds vectors of {TEXTS}, those of model {model!r} are of another space and cannot be "
            "compared with them"
        )
    return f"{name}@{version}"
