"""Whatever is sent, the gateway says what its schema says, and never fails."""

import json
import socket
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig
from starlette.types import ASGIApp

from mlecs_ray.samples import Samples
from serve import media
from serve.exchange import Rules
from serve.gateway import Opening, make_app
from serve.media import MediaLimits
from serve.models import Refusal, refusal
from serve.senses import Part
from tests.serve import nasty
from tests.serve.fakes import FakeEncoding, fake_desk
from tests.serve.live import Live, listening, speaking

NAMES = ("auto", "edge", "cloud", "minilm")
SECONDS = 10
"""In which every request has to be answered."""
CONFIG = SchemathesisConfig.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": [400, 404, 405, 413]}}}
)
"""What is not fit by the schema is refused, and what is too large before it is read."""
LEFT_OUT = ("positive_data_acceptance", "not_a_server_error")
"""What is fit by the schema may still be refused, e.g. an entry of nothing; failures are looked for below."""


class Careful(FakeEncoding):
    """Reads content as the real senses do, and then makes it up."""

    async def sense(self, parts: Sequence[Part]) -> Samples | Refusal:
        try:
            for part in parts:
                _read(part)
            return await super().sense([p for p in parts if p.kind != "image"])
        except Exception as error:
            return refusal(error)


def _read(part: Part) -> None:
    if part.kind == "image":
        media.image(part.content, MediaLimits())
    elif part.kind == "speech":
        media.audio(part.content, part.format, MediaLimits())
    elif part.kind == "values":
        media.values(part.content, MediaLimits())
    else:
        media.text(part.content, MediaLimits())


def _app(folder: Path) -> ASGIApp:
    desk = fake_desk(folder)
    desk.encoding = Careful()
    return make_app(desk, None, Opening(rules=Rules(32 * 2**20, body_seconds=1), log=lambda _: None))


@dataclass
class Fuzz:
    """Counts answers, and keeps those that are wrong."""

    answers: Counter[int]
    wrong: list[str]

    def look(self, asked: str, status: int, kind: str, body: bytes) -> None:
        """At one answer."""
        self.answers[status] += 1
        if status >= 500 and status != 503:
            self.wrong.append(f"{status} for {asked}: {body[:200]!r}")
        elif status >= 400 and body and not _refusal(kind, body):
            self.wrong.append(f"no refusal of OpenAI's form for {asked}: {status} {kind} {body[:200]!r}")
        elif kind == "application/json" and body and not _finite(body):
            self.wrong.append(f"no JSON for {asked}: {body[:200]!r}")


def _refusal(kind: str, body: bytes) -> bool:
    if kind != "application/json":
        return False
    error = json.loads(body)["error"]
    return {"message", "type", "param", "code"} <= error.keys() and len(error["message"]) < 2000


def _finite(body: bytes) -> bool:
    constants: list[str] = []
    json.loads(body, parse_constant=constants.append)
    return not constants


def by_schema(schema: Any, examples: int, fuzz: Fuzz, **call: Any) -> None:
    """So many cases of each operation, fit by the schema, and as many that are not; validated against it."""
    load_all_checks()
    checks = [check for check in CHECKS.get_all() if check.__name__ not in LEFT_OUT]
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in GenerationMode:

            @settings(
                max_examples=examples,
                derandomize=True,
                database=None,
                deadline=SECONDS * 1000,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Any) -> None:
                _name(case, mode)  # noqa: B023
                response = case.call(**call)
                kind = response.headers.get("content-type", [""])[0]
                fuzz.look(case.as_curl_command(), response.status_code, kind, response.content)
                case.validate_response(response, checks=checks)

            try:
                ask()
            except Unsatisfiable:
                # Nothing can be wrong with a request that has no parameters.
                assert operation.method == "get"


def _name(case: Any, mode: GenerationMode) -> None:
    """Mostly a model and a gallery that are there, or nothing behind them would ever be reached."""
    if mode is GenerationMode.POSITIVE and isinstance(case.body, dict) and "model" in case.body:
        case.body = {**case.body, "model": NAMES[len(str(case.body["model"])) % len(NAMES)]}
        if "gallery" in case.body:
            case.body["gallery"] = "g"
    if mode is GenerationMode.POSITIVE and "gallery" in (case.path_parameters or {}) and case.method == "POST":
        case.path_parameters = {**case.path_parameters, "gallery": "g"}


@contextmanager
def _connection(live: Live) -> Iterator[HTTPConnection]:
    connection = HTTPConnection("127.0.0.1", int(live.url.rpartition(":")[2]), timeout=SECONDS)
    try:
        yield connection
    finally:
        connection.close()


def over_the_wire(live: Live, requests: Iterable[nasty.Request], fuzz: Fuzz) -> None:
    """One after the other; a server that hangs up must have said why."""
    with _connection(live) as connection:
        for one in requests:
            connection.request(one.method, one.path, one.body, {"Content-Type": "application/json", **one.headers})
            try:
                response = connection.getresponse()
                body = response.read()
            except HTTPException as error:
                raise AssertionError(f"no answer to {one}"[:500]) from error
            kind = response.headers.get("content-type", "")
            shown = f"{one.method} {one.path} {one.headers} {one.body[:300]!r}"
            fuzz.look(shown, response.status, kind, body)


def _raw(live: Live, sent: bytes) -> bytes:
    """What comes back before the server hangs up."""
    with socket.create_connection(("127.0.0.1", int(live.url.rpartition(":")[2])), SECONDS) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        try:
            return b"".join(iter(lambda: line.recv(65536), b""))
        except ConnectionResetError:
            return b""


def test_every_operation_answers_as_its_schema_says(tmp_path: Path) -> None:
    fuzz = Fuzz(Counter(), [])
    by_schema(schemathesis.openapi.from_asgi("/openapi.json", _app(tmp_path), config=CONFIG), 8, fuzz)
    assert fuzz.wrong == []
    assert fuzz.answers.total() > 150
    assert fuzz.answers[200] > 10


def test_nasty_requests_are_refused_in_openais_form(tmp_path: Path) -> None:
    fuzz = Fuzz(Counter(), [])
    with listening(_app(tmp_path)) as live:
        over_the_wire(live, nasty.whole(), fuzz)
        over_the_wire(live, nasty.spoilt(400), fuzz)
        _is_well(live)
    assert fuzz.wrong == []
    assert fuzz.answers[400] > 100


@pytest.mark.parametrize("sent", nasty.RAW, ids=range(len(nasty.RAW)))
def test_what_is_hardly_http_is_answered_or_hung_up_on(tmp_path: Path, sent: bytes) -> None:
    with listening(_app(tmp_path)) as live:
        said = _raw(live, sent)
        assert said == b"" or said.startswith(b"HTTP/1.1 ")
        assert not said.startswith(b"HTTP/1.1 5")
        _is_well(live)


@pytest.mark.slow
def test_ten_thousand_requests_are_answered(tmp_path: Path) -> None:
    fuzz, most = Fuzz(Counter(), []), 10_000
    with listening(_app(tmp_path)) as live:
        schema = schemathesis.openapi.from_url(f"{live.url}/openapi.json", config=CONFIG)
        by_schema(schema, 100, fuzz, timeout=SECONDS)
        over_the_wire(live, nasty.whole(), fuzz)
        over_the_wire(live, nasty.spoilt(most - fuzz.answers.total(), seed=1), fuzz)
        _is_well(live)
    print(dict(fuzz.answers))
    assert fuzz.wrong == []
    assert fuzz.answers.total() == most


@pytest.mark.slow
def test_real_models_answer_or_refuse_two_thousand_nasty_requests(tmp_path: Path) -> None:
    fuzz = Fuzz(Counter(), [])
    with speaking(tmp_path, log_file=str(tmp_path / "log"), answer_seconds=5) as spoken:
        over_the_wire(spoken.live, nasty.spoilt(2000, seed=2), fuzz)
        _is_well(spoken.live)
        assert spoken.load == 0
    print(dict(fuzz.answers))
    assert fuzz.wrong == []
    assert fuzz.answers[200] > 50


def _is_well(live: Live) -> None:
    """It answers, and nobody is left in it."""
    with _connection(live) as connection:
        connection.request("GET", "/metrics")
        page = connection.getresponse().read().decode()
    assert "mlecs_in_flight 1.0" in page
