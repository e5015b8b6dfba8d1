"""`mlecs serve RUN --watch` as its users run it: a process that is asked over HTTP, loses its gateway, and is ended.

One server for all, as it takes half a minute to start; the test that ends it stands last.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.serving.web import free_port
from mlecs_ray.run.bundle import read_bundle
from mlecs_ray.run.local import run_locally
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.deal import deal
from tests.serve.asking import Load, ask, chat, in_flight, parts, sent
from tests.serving import spoken

pytestmark = pytest.mark.ray
SETTINGS = {"threads": 1, "cpus": 0.1, "slots": 3, "canary_share": 0.5, "canary_answers": 100}
READY_SECONDS = 120
LONG = (2, 5, 12)
"""With these seeds the tiny cloud says more than 500 tokens."""
WITHIN_SECONDS = 60
"""In which everything happens that is waited for: much longer than it takes."""


@dataclass
class Server:
    """One that runs."""

    process: subprocess.Popen[str]
    port: int
    run: Path
    later: list[Path]
    """What the run leaves later, oldest first."""
    said: Path
    """What it prints."""

    @property
    def versions(self) -> Any:
        """Who answers, and who is on trial."""
        return ask(self.port, None, "/v1/versions", "GET")[1]

    def leave(self) -> str:
        """The run leaves the next of its artifacts, as it does at a checkpoint. Its version."""
        artifact = self.later.pop(0)
        shutil.rmtree(self.run / "artifact")
        artifact.rename(self.run / "artifact")
        return read_bundle(self.run / "artifact").version

    def replica(self, deployment: str) -> psutil.Process:
        """The process of a replica, among those that the server has started."""
        name = f"ray::ServeReplica:mlecs:{deployment}"
        started = psutil.Process(self.process.pid).children(recursive=True)
        return next(one for one in started if name in _title(one))


def _title(process: psutil.Process) -> str:
    """Nothing, where it has ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def until(true: Callable[[], Any], seconds: float = WITHIN_SECONDS) -> Any:
    """What it says once that is true; fails where it does not come to that in time."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Of one run, at three of its checkpoints."""
    root = tmp_path_factory.mktemp("runs")
    for merges in (2, 4, 6):
        run_locally(spoken.scenario(root, merges=merges), root / str(merges))
    return [root / str(merges) / "artifact" for merges in (2, 4, 6)]


@pytest.fixture(scope="module")
def server(artifacts: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root, port = tmp_path_factory.mktemp("served"), free_port()
    (root / "run").mkdir()
    artifacts[0].rename(root / "run" / "artifact")
    sets = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "scenarios", "serve", str(root / "run"), "--watch", "--port", str(port), *sets]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with (root / "said.txt").open("w") as out:
        process = subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.STDOUT, text=True)
    found = Server(process, port, root / "run", artifacts[1:], root / "said.txt")
    try:
        until(lambda: "ready:" in found.said.read_text() or process.poll() is not None, READY_SECONDS)
        assert process.poll() is None, found.said.read_text()
        yield found
    finally:
        process.terminate()
        try:
            process.wait(WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def rows(server: Server) -> Samples:
    return deal(read_bundle(server.run / "artifact").scenario)[0].test


def test_a_gateway_that_is_killed_comes_back_and_goes_on_with_the_trial(server: Server) -> None:
    stable, newer = server.versions["stable"], server.leave()
    until(lambda: server.versions["canary"] == newer)
    with Load(server.port, "the hat", max_tokens=4) as load:
        until(lambda: load.answers)
        gateway = server.replica("Gateway")
        gateway.kill()
        gateway.wait()
        # Four may have had their answers by then.
        last = len(load.answers) + 4
        until(lambda: len(load.answers) > last + 30)
    # Who was being answered is told so, or loses the connection; everyone else waits for the next gateway.
    assert {status for status, _ in load.failures} <= {0, 503}
    assert {version for version, _ in load.answers[last:]} == {stable, newer}
    assert (server.versions["stable"], server.versions["canary"]) == (stable, newer)


def test_what_a_run_leaves_while_it_is_served_is_tried_and_promoted_and_no_request_fails(server: Server) -> None:
    if server.versions["canary"]:
        assert ask(server.port, {"action": "roll back"}, "/v1/versions")[0] == 200
    old = server.versions["stable"]
    with Load(server.port, "the hat", max_tokens=4) as load:
        newer = server.leave()
        until(lambda: server.versions["canary"] == newer)
        until(lambda: server.versions["stable"] != old or server.versions["canary"] is None)
        answered = len(load.answers)
        until(lambda: len(load.answers) > answered + 8)
    assert server.versions["stable"] == newer, server.versions["history"]
    assert load.failures == []
    assert {version for version, _ in load.answers} == {old, newer}
    # Four may have begun before it was promoted.
    assert {version for version, _ in load.answers[answered + 4 :]} == {newer}
    assert f"version {newer} is on trial" in server.said.read_text()


def test_a_server_that_is_told_to_end_answers_those_inside_and_ends_well(server: Server, rows: Samples) -> None:
    """Three long streams take all places, so that who asks after them waits in line, and still has to ask everyone."""
    streams, lines = [Stream(server.port, seed) for seed in LONG], []
    until(lambda: all(stream.pieces for stream in streams))
    waiting = threading.Thread(target=lambda: lines.append(ask(server.port, chat("cloud", parts(rows, 0)))))
    waiting.start()
    until(lambda: in_flight(server.port) == 5)
    server.process.send_signal(signal.SIGTERM)
    status, refusal = until(lambda: _refused(server.port))
    assert any(stream.thread.is_alive() for stream in streams)
    assert (status, refusal["error"]["type"]) == (503, "overloaded_error")
    assert server.process.wait(WITHIN_SECONDS) == 0
    for stream in streams:
        stream.thread.join()
        assert stream.pieces[-1] == "[DONE]"
        assert json.loads(stream.pieces[-2])["mlecs"]["answered_by"] == "cloud"
    waiting.join()
    assert [status for status, _ in lines] == [200]
    assert "draining" in server.said.read_text()
    assert "Traceback" not in server.said.read_text()


def _refused(port: int) -> tuple[int, Any] | None:
    found = ask(port, None, "/v1/models", "GET")
    return None if found[0] == 200 else found


class Stream:
    """An answer of many words, read as it comes."""

    def __init__(self, port: int, seed: int) -> None:
        self.pieces: list[str] = []
        self._port = port
        self._body = chat("cloud", "the", stream=True, max_tokens=900, temperature=2, seed=seed)
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self) -> None:
        with sent(self._port, self._body) as response:
            self.pieces.extend(line.decode().strip().removeprefix("data: ") for line in response if line.strip())
