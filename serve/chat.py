"""``/v1/chat/completions`` and ``/v1/classify``: answers in words, whole or as they come, and classes."""

import asyncio
import json
import math
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.responses import Response

from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples
from mlecs_ray.serving.batcher import Piece
from mlecs_ray.serving.host import Ask
from serve.answering import Declined, Ended, Event, Named
from serve.content import conversation, parts_of, sense
from serve.costs import Load
from serve.desk import Desk
from serve.either import either
from serve.faults import event
from serve.leaving import unless_left
from serve.models import Refusal
from serve.observe import Record
from serve.protocol import (
    ChatChunk,
    ChatCompletion,
    ChatRequest,
    Choice,
    ChoiceMessage,
    ChunkChoice,
    Classification,
    ClassifyRequest,
    Delta,
    Told,
    Usage,
    Wish,
)
from serve.question import Question
from serve.reading import Route
from serve.registry import Chosen


def router(desk: Desk) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1", route_class=Route)

    @routes.post("/chat/completions", response_model=ChatCompletion, responses=_STREAM)
    async def chat(request: Request, body: ChatRequest) -> Response | ChatCompletion:
        """Answer in words what is said, seen, heard or measured. OpenAI's endpoint; ``mlecs`` is ours."""
        record, chosen = await desk.choose(request, body.model, body.mlecs)
        turns, parts = conversation(body.messages)
        ask = _ask(body, Ask(await sense(desk.encoding, parts), turns))
        question = _question(ask, chosen, body.mlecs, whole=not body.stream)
        talk = Talk(desk, record, question)
        if body.stream:
            wants_usage = body.stream_options is not None and body.stream_options.include_usage
            return await talk.streamed(wants_usage)
        return await unless_left(request, talk.whole())

    @routes.post("/classify")
    async def classify(request: Request, body: ClassifyRequest) -> Classification:
        """Tell which class what is sensed belongs to."""
        record, chosen = await desk.choose(request, body.model, body.mlecs)
        samples = await sense(desk.encoding, parts_of(body.input))
        if samples is None:
            raise InputError("input holds nothing to sense, so there is nothing to classify")
        if chosen.version.words:
            return await _named(desk, record, chosen, Ask(samples), body.mlecs)
        return await _classified(desk, record, chosen, samples)

    return routes


FAULTS = frozenset({"failed", "down", "late", "unsound"})
"""Kinds of refusals that speak against a version."""
# Of each event, as before OpenAPI 3.2 a schema of a stream is read.
_EVENT = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "string",
            "anyOf": [
                {"const": "[DONE]"},
                {
                    "contentMediaType": "application/json",
                    "contentSchema": {
                        "anyOf": [
                            {"$ref": "#/components/schemas/ChatChunk"},
                            {"$ref": "#/components/schemas/ErrorBody"},
                        ]
                    },
                },
            ],
        }
    },
}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": _EVENT}}, "description": "An answer"}
}


def _ask(body: ChatRequest, ask: Ask) -> Ask:
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    return Ask(
        ask.samples,
        ask.turns,
        body.max_completion_tokens or body.max_tokens,
        body.temperature or 0.0,
        1.0 if body.top_p is None else body.top_p,
        secrets.randbits(63) if body.seed is None else body.seed,
        stop,
    )


def _question(ask: Ask, chosen: Chosen, wish: Wish, whole: bool) -> Question:
    bounds = wish.max_latency_seconds, wish.max_joules
    return Question(ask, chosen.route, chosen.policy, chosen.bound, *bounds, whole, chosen.judges)


class Talk:
    """One answer in words, on its way to whoever asked."""

    def __init__(self, desk: Desk, record: Record, question: Question) -> None:
        self._desk, self._record, self._question = desk, record, question
        self.id, self.created = f"chatcmpl-{record.request_id}", int(time.time())

    async def events(self) -> AsyncGenerator[Event]:
        """What ``Answering`` tells, within the time that an answer may take; noted in the record and the rollout."""
        version, start = self._question.route.version, time.monotonic()
        try:
            async with aclosing(self._desk.answering.answer(self._question)) as events:
                while (one := await self._next(events, start)) is not None:
                    self._note(one)
                    yield one
        except Declined as declined:
            # What the asker has to mend, or a full house, says nothing of a version.
            if declined.kind in FAULTS and self._question.judges:
                self._desk.tell(version, False, time.monotonic() - start)
            raise

    async def _next(self, events: AsyncGenerator[Event], start: float) -> Event | None:
        """One event, None behind the last. Not one limit around all: another task may go on with a stream."""
        try:
            async with asyncio.timeout(self._desk.answer_seconds - (time.monotonic() - start)):
                return await anext(events, None)
        except TimeoutError:
            raise Declined(late(self._desk)) from None

    def _note(self, one: Event) -> None:
        if isinstance(one, Piece):
            self._record.first_token()
        elif isinstance(one, Ended):
            told, record = one.told, self._record
            record.answered_by, record.tokens_in, record.tokens_out = told.answered_by, one.prompt_tokens, one.tokens
            if self._question.judges:
                # Where another had to answer, the version has failed, whoever was told something.
                self._desk.tell(told.version, told.degraded is None, told.latency_seconds, one.confidence, one.judged)

    async def whole(self) -> ChatCompletion:
        """The answer when it is done."""
        text: list[str] = []
        async with aclosing(self.events()) as events:
            async for one in events:
                if isinstance(one, Ended):
                    end = one
                elif isinstance(one, Piece):
                    text.append(one.text)
                else:
                    text.clear()
        return ChatCompletion(
            id=self.id,
            created=self.created,
            model=end.told.model,
            choices=[Choice(message=ChoiceMessage(content="".join(text)), finish_reason=end.finish)],
            usage=usage(end),
            system_fingerprint=end.told.version,
            mlecs=end.told,
        )

    async def streamed(self, wants_usage: bool) -> StreamingResponse:
        """Server-sent events. The first is awaited here, so that who cannot be answered is told by a status."""
        events = self.events()
        try:
            first = await anext(events)
        except BaseException:
            await events.aclose()
            raise
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        model = first.model if isinstance(first, Named) else ""
        lines = self._lines(model, events, wants_usage)
        return StreamingResponse(lines, media_type="text/event-stream", headers=headers)

    async def _lines(self, model: str, events: AsyncGenerator[Event], wants_usage: bool) -> AsyncGenerator[str]:
        async with aclosing(events):
            # Sent with the first words: whatever is sent takes milliseconds on its way through Serve.
            begin = self._chunk(model, Delta(role="assistant", content=""))
            try:
                async for one in events:
                    if isinstance(one, Ended):
                        yield begin + self._chunk(model, Delta(), one.finish, one.told)
                        begin = self._chunk(model, None, usage=usage(one)) if wants_usage else ""
                    elif isinstance(one, Piece) and one.text:
                        yield begin + self._chunk(model, Delta(content=one.text))
                        begin = ""
            except Declined as declined:
                begin = event(declined.status, str(declined))
            yield begin + "data: [DONE]\n\n"

    def _chunk(
        self,
        model: str,
        delta: Delta | None,
        finish: str | None = None,
        told: Told | None = None,
        usage: Usage | None = None,
    ) -> str:
        chunk = ChatChunk.model_construct(
            id=self.id,
            created=self.created,
            model=model,
            choices=[] if delta is None else [ChunkChoice.model_construct(delta=delta, finish_reason=finish)],
            system_fingerprint=self._question.route.version,
            mlecs=told,
            usage=usage,
        )
        # A delta says only what is new; what is ours has the form that it has in a whole answer.
        if told is None:
            return f"data: {chunk.model_dump_json(exclude_none=True)}\n\n"
        full = chunk.model_dump(exclude_none=True) | {"mlecs": told.model_dump()}
        return f"data: {json.dumps(full, ensure_ascii=False, separators=(',', ':'))}\n\n"


def late(desk: Desk) -> Refusal:
    """What is told of an answer that takes too long."""
    return Refusal("late", f"no answer was done in {desk.answer_seconds:g} s, so it was given up")


def usage(end: Ended) -> Usage:
    """OpenAI's count."""
    return Usage(
        prompt_tokens=end.prompt_tokens,
        completion_tokens=end.tokens,
        total_tokens=end.prompt_tokens + end.tokens,
    )


async def _named(desk: Desk, record: Record, chosen: Chosen, ask: Ask, wish: Wish) -> Classification:
    """By a model that says the class in words."""
    classes = chosen.version.bundle.shape.classes
    if chosen.version.bundle.scenario.task.answer != "class":
        raise InputError("these models say captions and no classes: ask /v1/chat/completions")
    answer = await Talk(desk, record, _question(ask, chosen, wish, whole=True)).whole()
    said = answer.choices[0].message.content
    label = next((name for name in classes if said == f"{name}."), None)
    score = answer.mlecs.score
    sure = 0.0 if score is None else math.exp(score * answer.usage.completion_tokens)
    return Classification(
        id=f"class-{record.request_id}",
        model=answer.model,
        label=label,
        said=said,
        probabilities={label: min(sure, 1.0)} if label else {},
        mlecs=answer.mlecs,
    )


async def _classified(desk: Desk, record: Record, chosen: Chosen, samples: Samples) -> Classification:
    """By a classifier; all of a version tell the same classes apart, so the other side may stand in."""
    start = time.monotonic()
    try:
        given = await either(desk, chosen, lambda side, model: side.classify(model, samples), stand_in=True)
    except Declined as declined:
        if declined.kind in FAULTS and chosen.judges:
            desk.tell(chosen.version.name, False, time.monotonic() - start)
        raise
    verdict, record.answered_by = given.found, given.side
    confidence = verdict.probabilities[verdict.label]
    if chosen.judges:
        desk.tell(chosen.version.name, given.degraded is None, given.seconds, confidence)
    back = len(verdict.label.encode()) + 4 * len(verdict.probabilities)
    return Classification(
        id=f"class-{record.request_id}",
        model=given.model,
        label=verdict.label,
        probabilities=dict(verdict.probabilities),
        mlecs=given.told(Load((samples,), down=back), confidence),
    )
