"""The commands and scripts of docs/serving/transcripts.md do what stands there."""

import json
import re
from typing import Any

import pytest

from tests.serve.transcripts import DOCUMENT, Exchange, exchanges, scripts, with_server

ANEW = {"id", "created", "latency_seconds", "estimated_seconds", "estimated_joules"}
"""Fields that are others each time; what is said and how sure it is may be on another machine."""
MACHINE = {"content", "score", "confidence", "threshold", "why", "embedding"}


@pytest.fixture(scope="module")
def run() -> list[tuple[Exchange, Exchange]]:
    """What the document shows, and what happens now, command by command, in its order."""
    told = exchanges(DOCUMENT.read_text())
    now: list[Exchange] = with_server(lambda terminal: [terminal(one.command) for one in told])
    return list(zip(told, now, strict=True))


def _plain(text: str) -> str:
    """Without the digest that the tiny edge has from its folder, and versions that have it from weights."""
    return re.sub(r"\b\d+-[0-9a-f]{8}\b", "VERSION", re.sub(r"tiny-edge-[0-9a-f]+", "tiny-edge", text))


def _kept(node: Any, key: str = "") -> Any:
    """What is the same each time, and of everything else its type."""
    made = isinstance(node, str) and re.fullmatch(r"(chatcmpl|class)-[0-9a-f]{32}", node)
    if key in MACHINE or (key in ANEW and (key != "id" or made)):
        return type(node).__name__
    if isinstance(node, dict):
        return {name: _kept(value, name) for name, value in node.items()}
    if isinstance(node, list):
        return [_kept(value) for value in node]
    return _plain(node) if isinstance(node, str) else node


def _data(body: str) -> list[Any]:
    """An answer, or the events of a stream but for its pieces of text, whose number may differ."""
    lines = [line.removeprefix("data: ") for line in body.splitlines()] if body.startswith("data: ") else [body]
    events = [json.loads(line) for line in lines if line.startswith("{")]
    return [_kept(one) for one in events if not _piece(one)] + [line for line in lines if line == "[DONE]"]


def _piece(one: dict[str, Any]) -> bool:
    return any(choice.get("delta", {}).get("content") for choice in one.get("choices", ()))


def test_there_are_commands_and_all_are_read() -> None:
    text = DOCUMENT.read_text()
    assert len(exchanges(text)) == text.count("```bash") > 20


def test_every_command_ends_as_it_stands_there(run: list[tuple[Exchange, Exchange]]) -> None:
    assert [told.status for told, _ in run] == [now.status for _, now in run]


def test_every_answer_is_the_one_that_stands_there(run: list[tuple[Exchange, Exchange]]) -> None:
    for told, now in run:
        if told.body.startswith(("{", "data: ")):
            assert _data(now.body) == _data(told.body), told.command
        else:
            assert now.body == told.body, told.command


def test_every_script_prints_what_stands_there() -> None:
    told = [printed for _, printed in scripts(DOCUMENT.read_text())]
    now: list[str] = with_server(lambda terminal: terminal.python(DOCUMENT.read_text()))
    assert len(told) >= 5
    for mine, theirs in zip(told, now, strict=True):
        # What is said may be other words on another machine.
        assert re.sub(r"said: .*", "said", _plain(theirs)) == re.sub(r"said: .*", "said", _plain(mine))


def test_each_route_stands_in_the_document() -> None:
    text = DOCUMENT.read_text()
    routes = ("chat/completions", "embeddings", "classify", "search", "gallery", "models", "versions")
    assert [route for route in routes if f"8000/v1/{route}" not in text] == []
