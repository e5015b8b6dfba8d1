"""A class or vectors come from the side that is meant, or from the other one, which then says so."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import torch
from starlette.testclient import TestClient

from mlecs_ray.samples import Samples
from mlecs_ray.serving.host import Verdict
from serve.answering import Declined
from serve.costs import Load
from serve.desk import Desk
from serve.either import Given, either
from serve.models import Refusal
from serve.protocol import Wish
from tests.serve.fakes import FakeSide, fake_app, fake_desk

DOWN = Refusal("down", "it does not answer")
PIXELS = {"type": "input_values", "input_values": {"values": [0.5] * 64}, "modality": "pixels"}
ROW = Samples({"pixels": torch.zeros(1, 64)})


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Of a classifier."""
    return fake_desk(tmp_path, words=False)


def _asked(desk: Desk, model: str = "auto", stand_in: bool = True, **wish: Any) -> Given[Verdict]:
    chosen = desk.registry.choose(model, Wish(**wish))
    return asyncio.run(either(desk, chosen, lambda side, model: side.classify(model, ROW), stand_in))


def _sides(desk: Desk, edge: Refusal | None, cloud: Refusal | None) -> None:
    assert isinstance(desk.edge, FakeSide)
    assert isinstance(desk.cloud, FakeSide)
    desk.edge.refuses, desk.cloud.refuses = edge, cloud


def test_the_policy_names_the_side(desk: Desk) -> None:
    assert (_asked(desk).side, _asked(desk, policy="cloud").side) == ("edge", "cloud")
    assert _asked(desk).why == "only answers in words have a threshold, so the edge is asked"
    assert (_asked(desk, policy="edge").why, _asked(desk).degraded) == ("policy edge", None)


@pytest.mark.parametrize("kind", ["down", "full", "failed", "unsound"])
def test_where_one_cannot_the_other_gives_it_and_says_so(desk: Desk, kind: str) -> None:
    _sides(desk, Refusal(kind, "no"), None)
    given = _asked(desk)
    assert (given.side, given.why) == ("cloud", "the edge is down")
    assert given.degraded == "the edge could not answer: no"
    _sides(desk, None, Refusal(kind, "no"))
    assert _asked(desk, policy="cloud").degraded == "the cloud could not answer: no"


def test_nobody_stands_in_for_a_model_by_name_or_for_a_mistake_or_where_none_may(desk: Desk) -> None:
    _sides(desk, DOWN, None)
    for how in ({"model": "edge"}, {"stand_in": False}):
        with pytest.raises(Declined, match="does not answer"):
            _asked(desk, **how)
    _sides(desk, Refusal("input", "there is nothing to answer from"), None)
    with pytest.raises(Declined, match="nothing to answer from") as found:
        _asked(desk)
    assert found.value.status == 400


def test_what_the_other_one_cannot_read_is_not_the_askers_fault(desk: Desk) -> None:
    _sides(desk, DOWN, Refusal("input", "it senses no pixels"))
    with pytest.raises(Declined, match="it does not answer") as found:
        _asked(desk)
    assert found.value.status == 503
    _sides(desk, DOWN, Refusal("full", "come again"))
    with pytest.raises(Declined, match="come again"):
        _asked(desk)


def test_a_side_that_says_nothing_is_stood_in_for_in_time(desk: Desk) -> None:
    async def never(*_: object) -> Verdict:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    desk.edge.classify = never  # type: ignore[method-assign]
    desk.answering.begin_seconds = 0.01
    assert _asked(desk).degraded == "the edge could not answer: no answer was done in 0.01 s, so it was given up"
    desk.answer_seconds = 0.02
    with pytest.raises(Declined, match=r"in 0\.02 s"):
        _asked(desk, model="edge")


def test_what_it_costs_is_told_of_the_device_that_the_model_is_for(desk: Desk) -> None:
    """640 weights at two FLOPs each; to the cloud 64 numbers of four bytes go, and 41 bytes come back."""
    load = Load((ROW,), down=41)
    own, theirs = _asked(desk).told(load), _asked(desk, policy="cloud").told(load)
    assert (own.answered_by, own.device, own.bytes, own.modalities) == ("edge", "phone-mid", 0, ["pixels"])
    assert (theirs.answered_by, theirs.bytes) == ("cloud", 64 * 4 + 41)
    assert own.estimated_joules is not None
    assert own.estimated_joules > 0
    assert (theirs.estimated_seconds or 0) > (own.estimated_seconds or 0) > 0


def test_a_class_of_the_stand_in_is_told_and_speaks_against_the_version(desk: Desk) -> None:
    _sides(desk, DOWN, None)
    told = []
    desk.tell = lambda *what: told.append(what)  # type: ignore[method-assign]
    with TestClient(fake_app(desk)) as client:
        answer = client.post("/v1/classify", json={"model": "auto", "input": [PIXELS]}).json()
        named = client.post("/v1/classify", json={"model": "edge", "input": [PIXELS]})
    assert (answer["label"], answer["mlecs"]["answered_by"], answer["mlecs"]["confidence"]) == ("7", "cloud", 0.8)
    assert answer["mlecs"]["degraded"] == "the edge could not answer: it does not answer"
    # Three numbers there, and back the class and how sure it is of three.
    assert answer["mlecs"]["bytes"] == 3 * 4 + len("7") + 3 * 4
    assert named.status_code == 503
    assert [ok for _, ok, *_ in told] == [False, False]
