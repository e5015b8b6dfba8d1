"""OpenAI's own Python client, and a gateway that refuses, breaks off or is full: its models are made up."""

import base64
import io
import time
from pathlib import Path
from threading import Event, Thread
from typing import Any

import openai
import pytest
from openai import OpenAI
from PIL import Image

from serve.clocks import utc_now
from serve.gateway import Opening, make_app
from serve.keyfile import add, issue
from serve.keys import Keys
from serve.limits import Limits
from serve.models import Refusal
from tests.serve.fakes import FakeSide, fake_desk
from tests.serve.live import Live, listening

HELLO = [{"role": "user", "content": "hello"}]


def _client(live: Live, key: str = "none", retries: int = 0) -> OpenAI:
    return OpenAI(base_url=f"{live.url}/v1", api_key=key, max_retries=retries)


def _ask(client: OpenAI, messages: Any = HELLO, model: str = "edge", **more: Any) -> Any:
    return client.chat.completions.create(model=model, messages=messages, **more)


def _said(answer: Any) -> str:
    return str(answer.choices[0].message.content)


def test_pictures_and_sounds_reach_the_senses_as_openais_parts(tmp_path: Path) -> None:
    desk = fake_desk(tmp_path)
    file = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(file, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    parts = [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}, "modality": "speech_fr"},
    ]
    with listening(make_app(desk, None, Opening())) as live:
        answer = _ask(_client(live), [{"role": "user", "content": parts}])
    assert _said(answer) == "A red square."
    assert answer.mlecs["modalities"] == ["image", "speech_fr"]
    assert [(part.kind, part.format) for part in desk.encoding.parts] == [("image", ""), ("speech", "wav")]  # type: ignore[attr-defined]


def test_a_wrong_key_and_one_that_has_had_its_share(tmp_path: Path) -> None:
    key, presented = issue("ann", utc_now(), limits=Limits(per_minute=60, burst=1, concurrent=1))
    add(tmp_path / "keys", key)
    log: list[str] = []
    app = make_app(fake_desk(tmp_path), Keys(tmp_path / "keys"), Opening(log=log.append))
    with listening(app) as live:
        ask = _client(live, presented)
        with pytest.raises(openai.AuthenticationError):
            ask.with_options(api_key="mlecs-wrong").models.list()
        assert _said(_ask(ask)) == "A red square."
        with pytest.raises(openai.RateLimitError) as found:
            _ask(ask)
        assert found.value.response.headers["Retry-After"] == "1"
        start = time.monotonic()
        # The client comes back by itself, once it may.
        assert _said(_ask(ask.with_options(max_retries=1))) == "A red square."
        assert time.monotonic() - start >= 0.9
    assert sum('"status": 429' in line for line in log) == 2


def test_a_full_server_is_asked_again_when_it_said(tmp_path: Path) -> None:
    desk, gate, refused = fake_desk(tmp_path), Event(), []

    def log(line: str) -> None:
        if '"status": 503' in line:
            refused.append(line)
            gate.set()

    desk.answering.edge = FakeSide(gate=gate)
    with listening(make_app(desk, None, Opening(slots=1, queue=0, log=log))) as live:
        ask = _client(live, retries=1)
        first = Thread(target=_ask, args=(ask,))
        first.start()
        while not desk.answering.edge.asked:
            time.sleep(0.01)
        assert _said(_ask(ask)) == "A red square."
        first.join()
    assert len(refused) == 1


@pytest.mark.parametrize(("kind", "status"), [("failed", 500), ("down", 503), ("full", 503)])
def test_a_side_that_cannot_answer_is_a_server_error(tmp_path: Path, kind: str, status: int) -> None:
    desk = fake_desk(tmp_path)
    desk.answering.edge = FakeSide(refuses=Refusal(kind, "no"))
    with listening(make_app(desk, None, Opening())) as live:
        ask = _client(live)
        for stream in (False, True):
            with pytest.raises(openai.InternalServerError) as found:
                _ask(ask, model="edge", stream=stream)
            assert found.value.status_code == status
            assert ("Retry-After" in found.value.response.headers) == (status == 503)


def test_an_answer_that_breaks_off_in_mid_stream_is_an_error_to_the_client(tmp_path: Path) -> None:
    desk, told = fake_desk(tmp_path), []
    desk.answering.edge = FakeSide(breaks=Refusal("failed", "gone"))
    with listening(make_app(desk, None, Opening())) as live:
        ask = _client(live)
        stream = _ask(ask, model="edge", stream=True)
        with pytest.raises(openai.APIError, match="gone"):
            told.extend(chunk.choices[0].delta.content for chunk in stream)
    assert "".join(told) == "A red square."
