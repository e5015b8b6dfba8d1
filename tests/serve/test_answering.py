"""Who answers, edge or cloud, and what is told when one of them cannot."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
import torch

from mlecs_ray.samples import Samples
from mlecs_ray.serving.batcher import Piece
from mlecs_ray.serving.host import Ask
from mlecs_ray.serving.turns import Turn
from serve.answering import Answering, Declined, Ended, Named
from serve.models import Item, Refusal
from serve.question import Policy, Question, Route
from tests.serve.fakes import FITTED, FakeSide

ROUTE = Route("6-0123abcd", "edge", "cloud", FITTED)
SEEN = Samples({"image": torch.zeros(1, 3)})
ASK = Ask(SEEN, (Turn("user", "hello"),))
DOWN = Refusal("down", "it does not answer")


def _question(policy: Policy = "cascade", bound: bool = False, route: Route = ROUTE, **budget: float) -> Question:
    return Question(ASK, route, policy, bound, **budget)


def _sides(edge: FakeSide | None = None, cloud: FakeSide | None = None) -> Answering:
    return Answering(edge or FakeSide(), cloud or FakeSide(("The ", "cloud's.")))


def _answer(answering: Answering, question: Question) -> tuple[str, Ended]:
    async def ask() -> tuple[str, Ended]:
        text, end, named = "", None, ""
        async for event in answering.answer(question):
            if isinstance(event, Piece):
                text += event.text
            elif isinstance(event, Ended):
                end = event
            else:
                text, named = "", event.model
        assert end is None or named == end.told.model
        assert end is not None
        return text, end

    return asyncio.run(ask())


def test_an_edge_that_is_sure_answers_and_the_cloud_is_not_asked() -> None:
    """A score of -0.5 is above the threshold of -1.5 and worth 0.7: half-way from 0.5 at -1 to 0.9 at 0."""
    cloud = FakeSide()
    text, end = _answer(_sides(cloud=cloud), _question())
    assert (text, end.told.answered_by, end.tokens) == ("A red square.", "edge", 3)
    assert end.told.confidence == pytest.approx(0.7)
    assert end.told.threshold == pytest.approx(0.4)
    assert "-0.500 >= -1.500" in end.told.why
    assert not cloud.asked
    assert end.told.bytes == 0


def test_an_edge_that_is_not_sure_asks_the_cloud_and_both_are_counted() -> None:
    unsure = FakeSide(logprob=-2.0)
    text, end = _answer(_sides(unsure), _question())
    assert (text, end.told.answered_by) == ("The cloud's.", "cloud")
    assert "-2.000 < -1.500" in end.told.why
    assert end.told.bytes == 3 * 4 + len("hello") + len(b"The cloud's.")
    _, alone = _answer(_sides(), _question("cloud"))
    assert alone.told.estimated_joules is not None
    assert end.told.estimated_joules is not None
    # 7 tokens of 1 GFLOP on a phone, beside what the cloud takes.
    assert end.told.estimated_joules > alone.told.estimated_joules


def test_policies_ask_one_side_alone() -> None:
    assert _answer(_sides(FakeSide(logprob=-9.0)), _question("edge"))[1].told.answered_by == "edge"
    assert _answer(_sides(), _question("cloud"))[1].told.answered_by == "cloud"


def test_without_a_threshold_or_a_cloud_the_edges_answer_stands() -> None:
    unsure = FakeSide(logprob=-9.0)
    _, end = _answer(_sides(unsure), _question(route=replace(ROUTE, calibration=None)))
    assert (end.told.answered_by, end.told.why) == ("edge", "no threshold was fitted for this model")
    _, end = _answer(_sides(unsure), _question(route=replace(ROUTE, cloud=None)))
    assert (end.told.answered_by, end.told.why) == ("edge", "there is no cloud model")


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (replace(ASK, samples=None), "no threshold was fitted for answers to words alone"),
        (replace(ASK, temperature=0.5), "no threshold was fitted for answers that are drawn"),
        (replace(ASK, stop=(".",)), "no threshold was fitted for answers with an end of the asker's own"),
    ],
)
def test_answers_of_a_kind_that_no_threshold_was_fitted_to_are_the_clouds(ask: Ask, why: str) -> None:
    """A score of -0.1 is far above the threshold, but of other answers."""
    sure = FakeSide(logprob=-0.1)
    _, end = _answer(_sides(sure), replace(_question(), ask=ask))
    assert (end.told.answered_by, end.told.why, end.judged) == ("cloud", f"{why}, so the cloud is asked", False)
    assert not sure.asked
    # Where the cloud is beyond the request's bounds, or there is none, the edge's stands, and is not called sure.
    _, end = _answer(_sides(sure), replace(_question(max_joules=1e-9), ask=ask))
    assert (end.told.answered_by, end.told.score, end.told.confidence) == ("edge", pytest.approx(-0.1), None)
    assert end.told.why == f"{why}, but the cloud does not fit in the request's bounds"
    _, end = _answer(_sides(sure), replace(_question(route=replace(ROUTE, cloud=None)), ask=ask))
    assert (end.told.answered_by, end.told.why) == ("edge", "there is no cloud model")
    assert _answer(_sides(), replace(_question("edge"), ask=ask))[1].told.confidence is None


def test_an_answer_counts_as_one_that_could_be_sure_where_the_edge_was_asked() -> None:
    for logprob in (-0.5, -2.0):
        assert _answer(_sides(FakeSide(logprob=logprob)), _question())[1].judged
    assert not _answer(_sides(), _question("cloud"))[1].judged


class Ticking:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_cloud_that_takes_too_long_or_too_much_is_not_asked() -> None:
    clock = Ticking()
    answering = _sides(FakeSide(logprob=-2.0))
    answering.clock = clock
    answering._cloud(ASK).add(4.0, 10.0)
    _, end = _answer(answering, _question(max_latency_seconds=3.0))
    assert end.told.answered_by == "edge"
    assert "the cloud takes 4.00 s and 3.00 s are left" in end.told.why
    _, end = _answer(answering, _question(max_joules=5.0))
    assert end.told.answered_by == "edge"
    assert "of 5" in end.told.why
    assert _answer(answering, _question(max_latency_seconds=5.0, max_joules=50.0))[1].told.answered_by == "cloud"


@pytest.mark.parametrize("kind", ["down", "full", "failed"])
@pytest.mark.parametrize("policy", ["edge", "cascade"])
def test_where_the_edge_cannot_the_cloud_answers_and_says_so(kind: str, policy: Policy) -> None:
    text, end = _answer(_sides(FakeSide(refuses=Refusal(kind, "no"))), _question(policy))
    assert (text, end.told.answered_by) == ("The cloud's.", "cloud")
    assert end.told.degraded == "the edge could not answer: no"


def test_an_edge_that_breaks_off_is_not_told_from() -> None:
    text, end = _answer(_sides(FakeSide(breaks=Refusal("failed", "out of memory"))), _question())
    assert (text, end.told.answered_by) == ("The cloud's.", "cloud")
    assert end.told.degraded == "the edge could not answer: out of memory"


def test_where_the_cloud_cannot_the_edge_answers_and_says_so() -> None:
    text, end = _answer(_sides(FakeSide(logprob=-2.0), FakeSide(refuses=DOWN)), _question())
    assert (text, end.told.answered_by) == ("A red square.", "edge")
    assert end.told.degraded == "the cloud could not answer: it does not answer"
    assert _answer(_sides(cloud=FakeSide(refuses=DOWN)), _question("cloud"))[1].told.answered_by == "edge"


def test_a_model_that_was_asked_for_by_name_has_no_stand_in() -> None:
    with pytest.raises(Declined, match="it does not answer") as found:
        _answer(_sides(FakeSide(refuses=DOWN)), _question("edge", bound=True))
    assert found.value.status == 503


def test_what_the_asker_has_to_mend_is_passed_on() -> None:
    with pytest.raises(Declined, match="nothing to answer from") as found:
        _answer(_sides(FakeSide(refuses=Refusal("input", "there is nothing to answer from"))), _question())
    assert found.value.status == 400


def test_where_neither_can_nobody_answers() -> None:
    with pytest.raises(Declined) as found:
        _answer(_sides(FakeSide(refuses=DOWN), FakeSide(refuses=DOWN)), _question())
    assert found.value.status == 503


def test_an_answer_that_breaks_off_in_the_middle_is_never_ended_by_another() -> None:
    async def ask() -> list[str]:
        told = []
        events = _sides(FakeSide(breaks=Refusal("failed", "gone"))).answer(_question("edge"))
        assert await anext(events) == Named("edge@6-0123abcd")
        for _ in range(3):
            event = await anext(events)
            assert isinstance(event, Piece)
            told.append(event.text)
        with pytest.raises(Declined, match="gone"):
            await anext(events)
        return told

    assert asyncio.run(ask()) == ["A ", "red ", "square."]


def test_where_nobody_was_told_anything_yet_another_ends_an_answer_that_breaks_off() -> None:
    """The edge's own, where a cascade has it; else the other side is asked."""
    broken = FakeSide(("The ",), breaks=Refusal("failed", "gone"))
    whole = replace(_question(), whole=True)
    for edge, question in ((FakeSide(logprob=-2.0), whole), (FakeSide(), replace(whole, policy="cloud"))):
        text, end = _answer(_sides(edge, broken), question)
        assert (text, end.told.answered_by, end.tokens) == ("A red square.", "edge", 3)
        assert end.told.degraded == "the cloud could not answer: gone"
        assert len(edge.asked) == 1
    for bound in (
        replace(whole, policy="cloud", bound=True),
        replace(whole, route=replace(ROUTE, edge=None), policy="cloud"),
    ):
        with pytest.raises(Declined, match="gone"):
            _answer(_sides(cloud=broken), bound)


def test_an_answer_that_its_asker_cut_short_is_the_clouds_whatever_its_score() -> None:
    short = FakeSide(logprob=-0.1, finish="length")
    _, end = _answer(_sides(short), replace(_question(), ask=replace(ASK, max_tokens=3)))
    assert (end.told.answered_by, end.judged, end.confidence) == ("cloud", False, None)
    assert end.told.why == "no threshold was fitted for answers that are cut short, so the cloud is asked"
    assert _answer(_sides(short), _question())[1].told.answered_by == "edge"


def test_how_sure_the_edge_was_is_known_whoever_answered() -> None:
    assert _answer(_sides(FakeSide(logprob=-2.0)), _question())[1].confidence == pytest.approx(FITTED.confidence(-2.0))
    assert _answer(_sides(FakeSide(logprob=-0.5)), _question())[1].confidence == pytest.approx(0.7)
    assert _answer(_sides(), _question("cloud"))[1].confidence is None


@pytest.mark.parametrize("policy", ["edge", "cascade"])
def test_who_leaves_frees_the_place(policy: Policy) -> None:
    async def ask() -> FakeSide:
        endless = FakeSide(endless=True)
        asking = asyncio.ensure_future(_drained(_sides(endless), _question(policy)))
        while not endless.asked:
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        return endless

    assert asyncio.run(ask()).freed.is_set()


async def _drained(answering: Answering, question: Question) -> None:
    async for _ in answering.answer(question):
        pass


def test_what_a_long_answer_takes_says_nothing_of_short_ones() -> None:
    answering, question = _sides(FakeSide(logprob=-2.0)), _question(max_latency_seconds=3.0)
    answering._cloud(replace(ASK, max_tokens=900)).add(60.0, 1.0)
    answering._cloud(replace(ASK, samples=None)).add(60.0, 1.0)
    answering._cloud(ASK).add(1.0, 1.0)
    assert _answer(answering, question)[1].told.answered_by == "cloud"
    long = replace(question, ask=replace(ASK, max_tokens=1000))
    assert "the cloud takes 60.00 s" in _answer(answering, long)[1].told.why


def test_before_the_cloud_has_answered_nobody_knows_what_fits_in_a_budget() -> None:
    _, end = _answer(_sides(FakeSide(logprob=-2.0)), _question(max_joules=5.0))
    assert end.told.answered_by == "edge"
    assert "not known before its first answer" in end.told.why


def test_a_side_that_does_not_begin_in_time_is_down() -> None:
    answering = _sides(FakeSide(pieces=(), endless=True))
    silent = answering.edge

    async def never(*_: object) -> AsyncGenerator[Item]:
        await asyncio.Event().wait()
        yield DOWN

    silent.stream = never  # type: ignore[method-assign]
    answering.begin_seconds = 0.01
    text, end = _answer(answering, _question())
    assert (text, end.told.answered_by) == ("The cloud's.", "cloud")
    assert end.told.degraded == "the edge could not answer: it did not begin within 0.01 s"
