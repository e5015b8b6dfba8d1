"""Who answers, edge or cloud, and what is told of it."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from mlecs_ray.serving.batcher import Piece
from mlecs_ray.serving.cost import Estimate, computed, sent
from mlecs_ray.serving.host import Ask
from mlecs_ray.sim.devices import find_device
from serve.certainty import certainty, cut, unlike
from serve.clocks import Clock
from serve.costs import Measured, features
from serve.models import Began, Refusal
from serve.protocol import Told
from serve.question import Question, Where
from serve.sides import Side

T = TypeVar("T")
STATUS = {"input": 400, "unsound": 400, "large": 413, "role": 403, "full": 503, "down": 503, "late": 503, "failed": 500}
"""By the kind of a refusal."""


class Declined(Exception):
    """Nobody answers; the message is for the asker."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.kind = refusal.kind
        self.status = STATUS[refusal.kind]


def granted(found: T | Refusal) -> T:
    """What a side answers. Raises Declined where it refuses."""
    if isinstance(found, Refusal):
        raise Declined(found)
    return found


@dataclass
class _Answer:
    """One side's, as it comes."""

    side: Where
    began: Began
    pieces: list[Piece] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        return sum(piece.tokens for piece in self.pieces)

    @property
    def score(self) -> float | None:
        return sum(piece.logprob for piece in self.pieces) / self.tokens if self.tokens else None

    @property
    def finish(self) -> str | None:
        return self.pieces[-1].finish if self.pieces else None

    @property
    def text_bytes(self) -> int:
        return sum(len(piece.text.encode()) for piece in self.pieces)

    @property
    def computed(self) -> Estimate:
        flops = self.began.token_flops * (self.began.prompt_tokens + self.tokens)
        return computed(find_device(self.began.device).budget, flops)


@dataclass(frozen=True)
class Ended:
    """The last of a stream."""

    told: Told
    prompt_tokens: int
    tokens: int
    finish: Literal["stop", "length"]
    judged: bool
    """Whether it could have a confidence: the edge was asked what thresholds are fitted to."""
    confidence: float | None = None
    """Of the edge's own answer then, whoever answered in the end."""


@dataclass(frozen=True)
class Named:
    """The first of a stream: whose words follow. A second one takes back what was said until then."""

    model: str


Event = Named | Piece | Ended


@dataclass
class _Plan:
    """Which side is asked, and what is known by then."""

    side: Where
    why: str
    own: _Answer | None = None
    """The edge's answer, where it was asked first."""
    degraded: str = ""
    since: float = 0.0
    """When it was asked."""


Stream = AsyncGenerator[Began | Piece | Refusal]


@dataclass
class Answering:
    """Asks the sides. What was measured of the cloud so far decides what fits in a request's budget."""

    edge: Side
    cloud: Side
    clock: Clock = time.monotonic
    begin_seconds: float = 45.0
    """In which a side must have said its first word, however many wait: longer than the longest line takes."""
    _measured: dict[tuple[bool, int], Measured] = field(default_factory=dict)
    """Of the cloud, by what is asked: about what is sensed or in words alone, and for how long an answer."""

    async def answer(self, question: Question) -> AsyncGenerator[Event]:
        """Who answers, the pieces of the answer that stands, and ``Ended``. Raises Declined where nobody answers."""
        start = self.clock()
        plan = await self._plan(question, start)
        plan.since = self.clock()
        while True:
            broken: Refusal | None = None
            stream, answer = await self._open(question, plan)
            yield Named(answer.began.model)
            if stream is None:
                yield _all(answer.pieces)
                break
            async with aclosing(stream):
                async for item in stream:
                    if isinstance(item, Refusal):
                        broken = item
                        break
                    if isinstance(item, Piece):
                        answer.pieces.append(item)
                        yield item
            if broken is None:
                break
            if not question.whole:
                # Part of the answer is told already: nobody else's may follow it.
                raise Declined(broken)
            _turn(question, plan, broken)
        yield self._ended(question, plan, answer, start)

    async def _plan(self, question: Question, start: float) -> _Plan:
        if question.policy != "cascade":
            return _Plan(question.policy, f"policy {question.policy}")
        why = unlike(question.ask)
        if why and question.route.cloud is not None and not self._beyond(question, start, 0.0):
            return _Plan("cloud", f"{why}, so the cloud is asked")
        stream, began = await self._begin(question, "edge")
        if isinstance(began, Refusal):
            if began.kind == "input" or question.route.cloud is None:
                raise Declined(began)
            return _Plan("cloud", "the edge is down", degraded=f"the edge could not answer: {began.message}")
        own = _Answer("edge", began)
        async with aclosing(stream):
            async for item in stream:
                if isinstance(item, Piece):
                    own.pieces.append(item)
                elif isinstance(item, Refusal):
                    return _Plan("cloud", "the edge is down", degraded=f"the edge could not answer: {item.message}")
        asks, why = self._unsure(question, own, start)
        return _Plan("cloud" if asks else "edge", why, own)

    async def _open(self, question: Question, plan: _Plan) -> tuple[Stream | None, _Answer]:
        """The stream of the side that was planned, or of the other one where this one cannot begin; None where the
        edge's answer is there already and has to do."""
        if plan.side == "edge" and plan.own is not None:
            return None, plan.own
        stream, began = await self._begin(question, plan.side)
        if isinstance(began, Began):
            return stream, _Answer(plan.side, began)
        _turn(question, plan, began)
        return await self._open(question, plan)

    async def _begin(self, question: Question, side: Where) -> tuple[Stream, Began | Refusal]:
        """A stream and its first item."""
        model = question.route.model(side)
        if model is None:
            return _nobody(), Refusal("down", f"this server has no model on the {side}")
        stream = (self.edge if side == "edge" else self.cloud).stream(model, question.ask)
        try:
            async with asyncio.timeout(self.begin_seconds):
                first = await anext(stream, Refusal("failed", f"the {side} said nothing"))
        except TimeoutError:
            await stream.aclose()
            return stream, Refusal("down", f"it did not begin within {self.begin_seconds:g} s")
        except BaseException:
            await stream.aclose()
            raise
        if not isinstance(first, Began):
            await stream.aclose()
        return stream, first if isinstance(first, Began | Refusal) else Refusal("failed", f"the {side} began amiss")

    def _unsure(self, question: Question, own: _Answer, start: float) -> tuple[bool, str]:
        """Whether the cloud is asked after the edge has answered, and why or why not."""
        calibration = question.route.calibration
        if question.route.cloud is None:
            return False, "there is no cloud model"
        if why := unlike(question.ask):
            return False, f"{why}, but the cloud does not fit in the request's bounds"
        if calibration is None or own.score is None:
            return False, "no threshold was fitted for this model"
        if why := cut(question.ask, own.finish):
            beyond = self._beyond(question, start, own.computed.joules)
            return not beyond, f"{why}, {f'but {beyond}' if beyond else 'so the cloud is asked'}"
        sure = calibration.sure(own.score)
        compared = f"score {own.score:.3f} {'>=' if sure else '<'} {calibration.threshold:.3f}"
        if sure:
            return False, compared
        beyond = self._beyond(question, start, own.computed.joules)
        return not beyond, f"{compared}, but {beyond}" if beyond else compared

    def _beyond(self, question: Question, start: float, joules: float) -> str:
        """Why the cloud does not fit in the request's bounds, of which ``joules`` are spent; empty where it does."""
        left = None if question.max_latency_seconds is None else question.max_latency_seconds - (self.clock() - start)
        bounded = left is not None or question.max_joules is not None
        cloud = self._cloud(question.ask)
        if bounded and not cloud.answers:
            return "what the cloud takes is not known before its first answer"
        takes = cloud.seconds.seconds
        if left is not None and takes > left:
            return f"the cloud takes {takes:.2f} s and {max(left, 0):.2f} s are left"
        joules += cloud.joules.seconds
        if question.max_joules is not None and joules > question.max_joules:
            return f"with the cloud it would take {joules:.3g} J of {question.max_joules:g}"
        return ""

    def _cloud(self, ask: Ask) -> Measured:
        """One long answer says nothing of how long others take. Limits count by their powers of two."""
        return self._measured.setdefault((ask.samples is None, (ask.max_tokens or 0).bit_length()), Measured())

    def _ended(self, question: Question, plan: _Plan, answer: _Answer, start: float) -> Ended:
        route, seconds = question.route, self.clock() - start
        cost = answer.computed
        if answer.side == "cloud":
            cost += sent(find_device(route.edge_device).budget, _payload(question.ask), answer.text_bytes)
            self._cloud(question.ask).add(self.clock() - plan.since, cost.joules)
            cost += plan.own.computed if plan.own is not None else Estimate()
        own = answer if answer.side == "edge" else plan.own
        sure = {} if own is None else certainty(route.calibration, question.ask, own.score, own.finish)
        told = Told(
            answered_by=answer.side,
            model=answer.began.model,
            version=route.version,
            policy=question.policy,
            why=plan.why,
            latency_seconds=seconds,
            device=answer.began.device,
            estimated_seconds=cost.seconds,
            estimated_joules=cost.joules,
            bytes=cost.bytes,
            modalities=list(answer.began.sensed),
            masked=list(answer.began.masked),
            degraded=plan.degraded or None,
            **(sure if own is answer else {"score": answer.score}),
        )
        judged = own is not None and unlike(question.ask) is None and cut(question.ask, own.finish) is None
        finish: Literal["stop", "length"] = "length" if answer.finish == "length" else "stop"
        return Ended(told, answer.began.prompt_tokens, answer.tokens, finish, judged, sure.get("confidence"))


def _turn(question: Question, plan: _Plan, refused: Refusal) -> None:
    """The other side has to answer now. Raises Declined where it may not, or there is none."""
    other: Where = "cloud" if plan.side == "edge" else "edge"
    if refused.kind == "input" or question.bound or plan.degraded or question.route.model(other) is None:
        raise Declined(refused)
    plan.degraded = f"the {plan.side} could not answer: {refused.message}"
    plan.why, plan.side = f"the {plan.side} is down", other


async def _nobody() -> Stream:
    return
    yield


def _all(pieces: list[Piece]) -> Piece:
    return Piece("".join(piece.text for piece in pieces), sum(piece.tokens for piece in pieces))


def _payload(ask: Ask) -> int:
    """Bytes of what the cloud is asked."""
    return features(() if ask.samples is None else (ask.samples,)) + sum(len(turn.text.encode()) for turn in ask.turns)
