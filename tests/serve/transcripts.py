"""docs/serving/transcripts.md: its commands are run, and their answers written behind them, or compared."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from serve.clocks import utc_now
from serve.keyfile import add, issue
from serve.limits import Limits
from tests.serve.live import speaking

DOCUMENT = Path(__file__).parents[2] / "docs" / "serving" / "transcripts.md"
TOLD = "http://127.0.0.1:8000"
"""Where the document says that the server is."""
_EXCHANGE = re.compile(r"```bash\n(?P<command>.*?)\n```\n\nHTTP (?P<status>\d+)\n\n```\w+\n(?P<body>.*?)```", re.DOTALL)
_SCRIPT = re.compile(r"```python\n(?P<script>(?:(?!```).)*)\n```\n\nprints\n\n```text\n(?P<printed>.*?)```", re.DOTALL)
_PREAMBLE = re.compile(r"```python\n(.*?)\n```", re.DOTALL)
_NEXT = "\x1e\n"
_MOST = 3


@dataclass(frozen=True)
class Exchange:
    """A command and what it got."""

    command: str
    status: int
    body: str


def exchanges(text: str) -> list[Exchange]:
    """All of a document."""
    found = _EXCHANGE.finditer(text)
    return [Exchange(one["command"], int(one["status"]), one["body"].rstrip("\n")) for one in found]


def answered(ask: Callable[[str], Exchange], text: str) -> str:
    """The document with the answers of now."""

    def written(found: re.Match[str]) -> str:
        one = ask(found["command"])
        kind = "json" if one.body.startswith("{") else "text"
        return f"```bash\n{one.command}\n```\n\nHTTP {one.status}\n\n```{kind}\n{one.body}\n```"

    return _EXCHANGE.sub(written, text)


def scripts(text: str) -> list[tuple[str, str]]:
    """What is run of a document in Python, and what it prints."""
    return [(one["script"], one["printed"]) for one in _SCRIPT.finditer(text)]


@dataclass(frozen=True)
class Terminal:
    """Runs commands as a user's shell does."""

    url: str
    key: str

    def __call__(self, command: str) -> Exchange:
        """Raises CalledProcessError where curl fails."""
        # The status goes to standard error, as the output may be piped on.
        told = command.replace(TOLD, self.url).replace("curl ", "curl -w '%{stderr}%{http_code}' ", 1)
        env = {**os.environ, "MLECS_API_KEY": self.key}
        done = subprocess.run(["bash", "-c", told], env=env, capture_output=True, text=True, check=True, timeout=60)
        return Exchange(command, int(done.stderr), _shown(done.stdout.strip()))

    def python(self, text: str) -> list[str]:
        """What a document's scripts print, one after the other in one process, as they go on from each other."""
        first = _PREAMBLE.search(text)
        assert first is not None
        parts = [first[1], *(script for script, _ in scripts(text))]
        told = f"\nprint({_NEXT[:-1]!r})\n".join(parts).replace(TOLD, self.url)
        env = {**os.environ, "MLECS_API_KEY": self.key}
        done = subprocess.run([sys.executable, "-c", told], env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.split(_NEXT)[1:]


def _shown(body: str) -> str:
    if not body.startswith("{"):
        return body
    return json.dumps(_cut(json.loads(body)), indent=2, ensure_ascii=False)


def _cut(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _cut(value) for key, value in node.items()}
    if isinstance(node, list):
        more = [f"... {len(node) - _MOST} more"] if len(node) > _MOST else []
        return [*(_cut(one) for one in node[:_MOST]), *more]
    return f"{node[:60]}..." if isinstance(node, str) and len(node) > 400 else node


def with_server(use: Callable[[Terminal], Any]) -> Any:
    """What ``use`` makes of a shell beside the tiny server, which asks for keys."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        many = Limits(per_minute=6000, burst=1000, concurrent=8)
        key, presented = issue("ann", utc_now(), roles=frozenset({"user", "admin"}), limits=many)
        add(root / "keys", key)
        with speaking(root, key_file=str(root / "keys")) as one:
            return use(Terminal(one.live.url, presented))


def main() -> None:
    """Write the document anew."""
    DOCUMENT.write_text(with_server(lambda terminal: _written(terminal, DOCUMENT.read_text())))


def _written(terminal: Terminal, text: str) -> str:
    printed = iter(terminal.python(text))
    told = _SCRIPT.sub(lambda one: f"```python\n{one['script']}\n```\n\nprints\n\n```text\n{next(printed)}```", text)
    return answered(terminal, told)


if __name__ == "__main__":
    sys.exit(main())
