"""Around a real FastAPI app, as the gateway is one: ids, headers, the log line and the figures."""

import asyncio
import json

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from serve.exchange import Rules
from serve.metrics import Metrics
from serve.middleware import Middleware
from serve.observe import record_of
from tests.serve.asgi import LEFT, Line, body, scope
from tests.serve.virtual import Clock, run, settle


class Server:
    """An app that echoes, streams and fails, and what was logged of it."""

    def __init__(self, **rules: object) -> None:
        self.logged: list[dict[str, object]] = []
        self.metrics, self.clock = Metrics(models=["llm"]), Clock()
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self.stopped: list[str] = []
        log = lambda text: self.logged.append(json.loads(text))  # noqa: E731  # as short as it is
        self.app = Middleware(self._app(), self.metrics, Rules(**rules), log, self.clock)

    def _app(self) -> FastAPI:
        app = FastAPI()
        app.post("/echo/{name}")(self.echo)
        app.post("/stream")(self.stream)
        app.get("/page")(self.page)
        app.post("/fail")(self.fail)
        return app

    async def echo(self, name: str, request: Request) -> dict[str, int]:
        record = record_of(request.scope)
        record.key, record.model, record.answered_by, record.tokens_in = name, "llm", "edge", 2
        self.clock.now += 1.5
        return {"bytes": len(await request.body())}

    async def stream(self) -> StreamingResponse:
        async def pieces():
            try:
                while piece := await self.pieces.get():
                    yield piece
            finally:
                self.stopped.append("stream")

        return StreamingResponse(pieces(), media_type="text/plain")

    async def page(self) -> HTMLResponse:
        return HTMLResponse("<p>", headers={"X-Frame-Options": "SAMEORIGIN", "X-Request-ID": "the app's"})

    async def fail(self) -> None:
        raise RuntimeError("secret contents")

    def asked(self, line: Line, *args: object, **options: object) -> Line:
        run(line.through(self.app, scope(*args, **options)), self.clock)
        return line


def test_a_request_is_one_line_with_what_the_app_learnt():
    server = Server()
    line = server.asked(Line(*body(b"ab", b"c")), "/echo/ann", headers=[("X-Request-ID", "mine-1")])
    assert (line.status, line.body) == (200, b'{"bytes":3}')
    (logged,) = server.logged
    assert logged.pop("time")
    assert logged == {
        **{"request_id": "mine-1", "key": "ann", "method": "POST", "route": "/echo/{name}", "model": "llm"},
        **{"answered_by": "edge", "status": 200, "seconds": 1.5, "tokens_in": 2, "tokens_out": 0},
        **{"bytes_in": 3, "bytes_out": 11},
    }
    page = server.metrics.render()[0].decode()
    assert 'mlecs_requests_total{answered_by="edge",route="/echo/{name}",status="200"} 1.0' in page
    assert "mlecs_in_flight 0.0" in page


def test_an_unknown_path_is_not_logged_as_it_may_say_something():
    server = Server()
    assert server.asked(Line(*body(b"")), "/secret").status == 404
    assert "route" not in server.logged[0]
    assert "secret" not in json.dumps(server.logged)


def test_a_route_that_the_app_names_itself_is_the_route():
    async def app(scope, receive, send) -> None:
        record_of(scope).route = "/named"
        await FastAPI()(scope, receive, send)

    logged: list[str] = []
    run(Line(*body(b"")).through(Middleware(app, Metrics(), log=logged.append), scope("/openapi.json", "GET")))
    assert json.loads(logged[0])["route"] == "/named"


@pytest.mark.parametrize("given", ["x" * 129, "a b", '"'])
def test_an_id_that_is_unfit_is_replaced_in_header_and_log_alike(given):
    server = Server()
    line = server.asked(Line(*body(b"")), "/echo/ann", headers=[("X-Request-ID", given)])
    assert line.headers["x-request-id"] == server.logged[0]["request_id"] != given


def test_security_headers_are_on_every_response_unless_it_has_its_own():
    server = Server()
    line = server.asked(Line(*body(b"")), "/page", "GET", headers=[("X-Request-ID", "mine-1")])
    headers = line.headers
    assert headers["content-security-policy"].startswith(
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' data: blob:;"
    )
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert (headers["x-frame-options"], headers["x-request-id"]) == ("SAMEORIGIN", "mine-1")
    assert headers["content-type"] == "text/html; charset=utf-8"


def test_behind_a_proxy_that_sends_the_id_it_is_not_sent_twice():
    server = Server(echo_request_id=False)
    line = server.asked(Line(*body(b"")), "/echo/ann", headers=[("X-Request-ID", "mine-1")])
    assert "x-request-id" not in line.headers
    assert server.logged[0]["request_id"] == "mine-1"


def test_pieces_of_a_response_go_through_as_they_come():
    server = Server()

    async def main() -> None:
        line = Line(*body(b""))
        serving = asyncio.ensure_future(line.through(server.app, scope("/stream")))
        for piece in (b"one", b"two"):
            server.pieces.put_nowait(piece)
            await settle()
            assert line.sent[-1]["body"] == piece
        assert not server.logged
        server.pieces.put_nowait(b"")
        await serving

    run(main())
    assert (server.logged[0]["status"], server.logged[0]["bytes_out"]) == (200, 6)


def test_the_app_hears_of_a_client_that_leaves_and_the_log_says_499():
    server = Server()

    async def main() -> None:
        line = Line(*body(b""))
        serving = asyncio.ensure_future(line.through(server.app, scope("/stream")))
        server.pieces.put_nowait(b"one")
        await settle()
        line.say(LEFT)
        await serving

    run(main())
    assert server.stopped == ["stream"]
    assert server.logged[0]["status"] == 499
    assert 'status="499"} 1.0' in server.metrics.render()[0].decode()


def test_a_cancelled_request_is_logged_and_stays_cancelled():
    server = Server()

    async def main() -> None:
        serving = asyncio.ensure_future(Line(*body(b"")).through(server.app, scope("/stream")))
        await settle()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving

    run(main())
    assert (server.logged[0]["status"], server.stopped) == (499, ["stream"])


def test_a_failure_is_answered_with_its_id_and_without_its_words_and_reaches_the_servers_log():
    """Around the whole app, as here, it is FastAPI that answers; as ``app.add_middleware``, it is ours."""
    server, line = Server(), Line(*body(b""))
    with pytest.raises(RuntimeError, match="secret"):
        server.asked(line, "/fail")
    assert (line.status, server.logged[0]["status"]) == (500, 500)
    assert line.headers["x-request-id"] == server.logged[0]["request_id"]
    assert b"secret" not in line.body


def test_what_is_no_request_goes_by_untouched():
    seen = []

    async def app(scope, receive, send) -> None:
        seen.append((scope, receive, send))

    async def nothing() -> None: ...

    lifespan = {"type": "lifespan"}
    run(Middleware(app, Metrics())(lifespan, nothing, nothing))
    assert seen == [(lifespan, nothing, nothing)]


def test_lines_go_to_standard_output_unless_told_otherwise(capsys):
    async def app(_scope, _receive, send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    run(Line(*body(b"")).through(Middleware(app, Metrics()), scope()))
    assert json.loads(capsys.readouterr().out)["status"] == 204
