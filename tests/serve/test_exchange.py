"""Bodies that are too large or too slow are refused, whatever the app makes of it."""

import asyncio
import json

import pytest
from fastapi import FastAPI, Request
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from mlecs_ray.errors import InputError
from serve.exchange import Exchange, Rules, Stopped, header
from serve.observe import Record
from tests.serve.asgi import LEFT, Line, body, scope
from tests.serve.virtual import Clock, run

ECHO = FastAPI()


@ECHO.post("/json")
async def _json(values: list[int]) -> int:
    return sum(values)


@ECHO.post("/body")
async def _body(request: Request) -> int:
    return len(await request.body())


async def stubborn(_scope, receive, send) -> None:
    """Answers 200 whatever happens while it reads."""
    try:
        while (await receive()).get("more_body"):
            pass
    except Exception:
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def early(_scope, receive, send) -> None:
    """Answers before it reads."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.body", "body": b"ok"})


def exchanged(app, line: Line, rules: Rules, asked=None, clock: Clock | None = None) -> tuple[int, Record]:
    """The status for the log, and the record."""
    asked, record = asked or scope("/body"), Record("r1")
    exchange = Exchange(asked, line.receive, line.send, record, rules)
    run(exchange.run(app), clock)
    return exchange.status, record


def test_a_declared_body_that_is_too_large_never_reaches_the_app():
    async def app(_scope, _receive, _send) -> None:
        pytest.fail("was asked")

    line = Line()
    asked = scope(headers=[("Content-Length", "11")])
    status, record = exchanged(app, line, Rules(body_bytes=10), asked)
    assert (line.status, status, record.refused) == (413, 413, "body_bytes")
    assert line.headers["connection"] == "close"
    error = json.loads(line.body)["error"]
    assert error["message"] == "a body of 11 bytes must have at most 10, so it was not read"
    assert (error["code"], error["request_id"], line.headers["x-request-id"]) == ("body_bytes", "r1", "r1")


@pytest.mark.parametrize("app", [ECHO, stubborn], ids=["FastAPI", "stubborn"])
@pytest.mark.parametrize("path", ["/json", "/body"])
def test_an_undeclared_body_is_counted_as_it_comes_and_cut_at_the_limit(app, path):
    """FastAPI makes a 400 of whatever goes wrong while it reads JSON, so the app's own answer is not taken."""
    line = Line(*body(b"[1,", b"2,3,", b"4]", b"    "))
    status, record = exchanged(
        app, line, Rules(body_bytes=8), scope(path, headers=[("Content-Type", "application/json")])
    )
    assert (line.status, status, record.refused, record.bytes_in) == (413, 413, "body_bytes", 9)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=10), min_size=1, max_size=6), st.integers(0, 30))
def test_a_body_is_refused_exactly_where_it_is_larger_than_may_be(pieces, most):
    line, size = Line(*body(*pieces)), sum(map(len, pieces))
    exchanged(stubborn, line, Rules(body_bytes=most))
    assert line.status == (413 if size > most else 200)


@pytest.mark.parametrize("app", [ECHO, stubborn], ids=["FastAPI", "stubborn"])
def test_a_body_that_does_not_come_is_given_up_after_its_time(app):
    clock, line = Clock(), Line({"type": "http.request", "body": b"[", "more_body": True})
    status, record = exchanged(app, line, Rules(body_seconds=30.0), scope("/json"), clock)
    assert (line.status, status, record.refused, clock.now) == (408, 408, "body_seconds", 30.0)
    assert line.headers["connection"] == "close"
    assert "the body took more than 30 s" in line.body.decode()


def test_a_body_that_trickles_has_no_more_time_than_one_that_does_not_come():
    clock, line = Clock(), Line()

    async def receive():
        await asyncio.sleep(7)
        return {"type": "http.request", "body": b"x", "more_body": True}

    exchange = Exchange(scope(), receive, line.send, Record("r1"), Rules(body_seconds=30.0))
    run(exchange.run(stubborn), clock)
    assert (line.status, clock.now) == (408, 30.0)


def test_an_app_that_is_slow_to_read_costs_the_client_no_time():
    async def slow(scope, receive, send) -> None:
        await asyncio.sleep(100)
        await stubborn(scope, receive, send)

    line = Line(*body(b"a", b"b"))
    exchanged(slow, line, Rules(body_seconds=1.0))
    assert line.status == 200


def test_once_the_body_is_there_waiting_for_the_client_to_leave_has_no_limit():
    clock, line = Clock(), Line(*body(b""))

    async def app(_scope, receive, _send) -> None:
        await receive()
        asyncio.get_running_loop().call_later(1000, line.say, LEFT)
        assert await receive() == LEFT

    status, _ = exchanged(app, line, Rules(body_seconds=1.0), clock=clock)
    assert (status, clock.now, line.sent) == (499, 1000, [])


def test_a_response_that_had_begun_is_broken_off_where_the_body_is_too_large():
    line = Line(*body(b"x" * 11))
    exchange = Exchange(scope(), line.receive, line.send, record := Record("r1"), Rules(body_bytes=10))
    with pytest.raises(Stopped):
        run(exchange.run(early))
    assert (exchange.status, line.status, line.body, record.refused) == (413, 200, b"", "body_bytes")


def test_a_stream_that_breaks_off_is_a_failure_in_the_log_and_no_second_response():
    async def app(_scope, _receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("half-way")

    line = Line(*body(b""))
    exchange = Exchange(scope(), line.receive, line.send, Record("r1"), Rules())
    with pytest.raises(RuntimeError, match="half-way"):
        run(exchange.run(app))
    assert (exchange.status, line.status) == (500, 200)


def test_an_app_that_fails_before_it_answers_is_answered_for_without_its_words():
    async def app(_scope, _receive, _send) -> None:
        raise RuntimeError("secret")

    line = Line(*body(b""))
    exchange = Exchange(scope(), line.receive, line.send, Record("r1"), Rules())
    with pytest.raises(RuntimeError, match="secret"):
        run(exchange.run(app))
    error = json.loads(line.body)["error"]
    assert (exchange.status, line.status, error["type"], error["request_id"]) == (500, 500, "server_error", "r1")
    assert "secret" not in error["message"]
    assert "connection" not in line.headers


def test_what_fails_after_the_response_is_no_failure_of_the_request():
    async def app(scope, receive, send) -> None:
        await stubborn(scope, receive, send)
        raise RuntimeError("background")

    line = Line(*body(b""))
    exchange = Exchange(scope(), line.receive, line.send, Record("r1"), Rules())
    with pytest.raises(RuntimeError, match="background"):
        run(exchange.run(app))
    assert (exchange.status, line.status) == (200, 200)


def test_a_client_that_leaves_within_its_body_is_no_failure():
    line = Line({"type": "http.request", "body": b"[", "more_body": True}, LEFT)

    async def app(scope, receive, _send) -> None:
        await Request(scope, receive).body()

    status, _ = exchanged(app, line, Rules())
    assert (status, line.sent) == (499, [])


@pytest.mark.parametrize("swallowed", [OSError, ClientDisconnect])
def test_a_connection_that_breaks_while_sending_is_a_client_that_left(swallowed):
    async def app(scope, receive, send) -> None:
        try:
            await stubborn(scope, receive, send)
        except OSError:
            raise swallowed from None

    status, _ = exchanged(app, Line(*body(b""), broken=True), Rules())
    assert status == 499


def test_hearing_that_the_connection_ended_after_the_response_is_no_499():
    async def app(scope, receive, send) -> None:
        await stubborn(scope, receive, send)
        assert await receive() == LEFT

    status, _ = exchanged(app, Line(*body(b""), LEFT), Rules())
    assert status == 200


def test_the_first_header_of_a_name_counts():
    assert header(scope(headers=[("A", "1"), ("B", "2"), ("B", "3")]), b"b") == "2"
    assert header(scope(), b"b") is None


def test_a_body_of_too_many_values_is_heard_to_its_end_and_never_read():
    """Six commas, in three pieces; the app is given the first alone."""
    got = []

    async def app(_scope, receive, _send):
        while True:
            got.append(await receive())

    line = Line(*body(b'{"a": [1,2', b",3,4,", b"5,6,7]}"))
    status, record = exchanged(app, line, Rules(body_values=4))
    assert (line.status, status, record.refused, record.bytes_in) == (413, 413, "body_values", 22)
    assert [message["body"] for message in got] == [b'{"a": [1,2', b",3,4,"]
    error = json.loads(line.body)["error"]
    assert error["message"] == "a body with 6 commas must have at most 4: ask in parts"
    assert "connection" not in line.headers


@pytest.mark.parametrize(
    "wrong", [{"body_bytes": -1}, {"body_values": -1}, {"body_seconds": 0}, {"body_seconds": float("nan")}]
)
def test_rules_that_refuse_everything_are_refused(wrong):
    with pytest.raises(InputError, match="every request is refused"):
        Rules(**wrong)


def test_a_server_that_raises_when_the_client_has_left_means_that_it_has_left():
    """As Ray Serve's proxy does where it has ended the request by then."""

    class Raising(Line):
        async def receive(self):
            if not self.heard:
                self.heard = True
                return body(b"{}")[0]
            raise RuntimeError("the request was cancelled")

        heard = False

    async def app(_scope, receive, send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        assert (await receive())["type"] == "http.disconnect"

    assert exchanged(app, Raising(), Rules())[0] == 499
