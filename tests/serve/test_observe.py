"""Who asked what of whom, and how long it took: never what they said."""

import json
import sys
from dataclasses import fields
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from mlecs_ray.errors import InputError
from serve.observe import RECORD, Record, begin_tracing, line, record_of, request_id, span
from tests.serve.virtual import Clock

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_line_has_what_is_known_and_no_more():
    clock = Clock(100.0)
    record = Record("r1", "POST", route="/v1/chat/completions", key="ann", clock=clock)
    clock.now = 100.25
    record.first_token()
    clock.now = 101.5
    record.first_token()
    record.tokens_in, record.tokens_out = 3, 4
    record.end(200)
    assert json.loads(line(record, lambda: NOON)) == {
        "time": "2026-01-01T12:00:00.000+00:00",
        "request_id": "r1",
        "key": "ann",
        "method": "POST",
        "route": "/v1/chat/completions",
        "status": 200,
        "seconds": 1.5,
        "first_token_seconds": 0.25,
        "tokens_in": 3,
        "tokens_out": 4,
        "bytes_in": 0,
        "bytes_out": 0,
    }


@given(st.text(), st.text())
def test_a_line_is_one_line_whatever_is_in_it(key, model):
    written = line(Record("r1", key=key, model=model))
    assert len(written.splitlines()) == 1
    assert (json.loads(written)["key"], json.loads(written)["model"]) == (key, model)


def test_a_record_has_no_place_for_contents():
    """Names, counts and times alone: a new field must be thought about here."""
    assert {field.name for field in fields(Record)} == {
        *("request_id", "method", "route", "key", "model", "answered_by", "status", "refused", "seconds"),
        *("first_token_seconds", "tokens_in", "tokens_out", "bytes_in", "bytes_out", "clock", "started"),
    }


def test_the_record_is_found_in_the_scope():
    record = Record("r1")
    assert record_of({"type": "http", RECORD: record}) is record


@pytest.mark.parametrize("given_id", ["a", "A-z_0.9", "x" * 128])
def test_a_sane_request_id_is_kept(given_id):
    assert request_id(given_id) == given_id


@pytest.mark.parametrize("given_id", [None, "", "x" * 129, "a b", "a\n", "a\r\nSet-Cookie: x", "ä", '"'])
def test_any_other_is_replaced_by_a_new_one(given_id):
    made = request_id(given_id)
    assert made != given_id
    assert request_id(made) == made
    assert made != request_id(given_id)


class Ended:
    """A span processor that keeps what has ended."""

    def __init__(self) -> None:
        self.spans = []

    def on_start(self, span, parent_context=None) -> None: ...

    def on_end(self, span) -> None:
        self.spans.append(span)

    def _on_ending(self, span) -> None: ...

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis=0) -> bool:
        return True


def test_a_span_is_nothing_where_nobody_configured_a_provider():
    with span("answer", {"model": "edge"}):
        assert not trace.get_current_span().get_span_context().is_valid


def test_a_span_is_nothing_without_opentelemetry(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with span("answer"):
        pass


def test_a_configured_provider_gets_the_span_with_its_attributes_and_its_error(monkeypatch):
    ended, provider = Ended(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(ended)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    with pytest.raises(ValueError, match="no"), span("answer", {"model": "edge"}), span("generate"):
        raise ValueError("no")
    inner, outer = ended.spans
    assert (inner.name, outer.name, inner.parent.span_id) == ("generate", "answer", outer.context.span_id)
    assert dict(outer.attributes) == {"model": "edge"}
    assert not outer.status.is_ok


def test_a_hook_is_called_and_one_that_is_not_there_is_named(monkeypatch):
    called = []
    monkeypatch.setitem(sys.modules, "hooks", SimpleNamespace(begin=lambda: called.append(True)))
    begin_tracing("hooks:begin")
    assert called == [True]
    for hook in ("hooks:end", "nothing_of_this_name:begin"):
        with pytest.raises(InputError, match=f"tracing={hook}: .*so no request would be traced"):
            begin_tracing(hook)
