"""The real thing: gateway, edge and cloud as Ray Serve applications, asked over HTTP."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from bench.serving.web import free_port
from mlecs_ray.run.bundle import adopt, read_bundle
from mlecs_ray.run.local import run_locally
from mlecs_ray.scenario.deal import deal
from serve.handles import REACH_SECONDS
from serve.running import Running
from serve.settings import Settings
from tests.serve.asking import CHAT, Load, ask, chat, in_flight, parts, sent
from tests.serving import spoken

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("cluster", "running")]
VERSIONS = 4


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A store with several versions of one kind of run, which say different things."""
    root = tmp_path_factory.mktemp("versions")
    found = []
    for seed in range(VERSIONS):
        run_locally(spoken.scenario(root, seed=seed, local__lr=0.1), root / f"run-{seed}")
        found.append(adopt(root / f"run-{seed}" / "artifact", root / "store").version)
    return root / "store", found


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def running(versions: tuple[Path, list[str]], port: int) -> Iterator[Running]:
    store, names = versions
    settings = Settings(
        store=str(store),
        version=names[0],
        gallery=str(store.parent / "gallery"),
        threads=1,
        cpus=0.1,
        canary_share=0.5,
        canary_answers=10**6,
        log_file=str(store.parent / "requests.jsonl"),
    )
    with Running(settings, "127.0.0.1", port) as found:
        yield found


def test_what_is_served_is_what_was_evaluated(port: int, versions: tuple[Path, list[str]]) -> None:
    store, names = versions
    bundle = read_bundle(store / names[0])
    test = deal(bundle.scenario)[0].test
    for name in ("cloud", "client-0"):
        expected = bundle.predictor(bundle.card(name))(test)
        answers = [ask(port, chat(f"{name}@{names[0]}", parts(test, row)))[1] for row in range(8)]
        assert [one["choices"][0]["message"]["content"] for one in answers] == list(expected[:8])


def test_an_answer_says_who_gave_it(port: int, versions: tuple[Path, list[str]]) -> None:
    test = deal(read_bundle(versions[0] / versions[1][0]).scenario)[0].test
    status, answer = ask(port, chat("auto", parts(test, 0)))
    assert status == 200
    assert answer["mlecs"]["answered_by"] == "edge"
    assert answer["mlecs"]["model"] == answer["model"]
    assert answer["mlecs"]["version"] == versions[1][0]


def test_a_stream_comes_in_pieces(port: int) -> None:
    with sent(port, chat("cloud", "the hat", stream=True, max_tokens=12, temperature=2, seed=3)) as response:
        lines = [line for line in response.read().decode().split("\n\n") if line]
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert lines[-1] == "data: [DONE]"
    assert json.loads(lines[-2][6:])["mlecs"]["answered_by"] == "cloud"


def test_versions_roll_under_load_and_nobody_is_dropped_or_told_a_mixture(
    running: Running, port: int, versions: tuple[Path, list[str]]
) -> None:
    """Ten rolls through four versions, each promoted or rolled back in turn, while four askers go on."""
    store, names = versions
    bundles = {name: read_bundle(store / name) for name in names}
    test = deal(bundles[names[0]].scenario)[0].test
    said = {name: one.predictor(one.card("cloud"))(test.take([0]))[0] for name, one in bundles.items()}
    assert len(set(said.values())) > 1
    with Load(port, parts(test, 0)) as load:
        for roll in range(10):
            stable = ask(port, None, "/v1/versions", "GET")[1]["stable"]
            running.attempt(next(name for name in names if name != stable and (roll % 2 or name != names[0])))
            time.sleep(0.5)
            action = "roll back" if roll == 4 else "promote"
            assert ask(port, {"action": action}, "/v1/versions")[0] == 200
    assert load.failures == []
    assert len(load.answers) > 50
    assert {name for name, _ in load.answers} >= set(names[1:3])
    assert all(text == said[name] for name, text in load.answers)


def test_a_killed_edge_is_replaced_and_meanwhile_the_cloud_answers(port: int) -> None:
    edge = next(one for one in ray.util.list_named_actors(all_namespaces=True) if "mlecs#Edge#" in one["name"])
    ray.kill(ray.get_actor(edge["name"], namespace=edge["namespace"]), no_restart=False)
    body, told, killed = chat("auto", "the", mlecs={"policy": "edge"}, max_tokens=2), [], time.monotonic()
    while not told or (told[-1]["answered_by"] != "edge" and time.monotonic() < killed + 60):
        status, answer = ask(port, body)
        assert status == 200, answer
        told.append(answer["mlecs"])
        # Long before another edge is there: nobody waits for it.
        assert len(told) > 1 or time.monotonic() < killed + 2 * REACH_SECONDS
    *meanwhile, last = told
    assert {one["answered_by"] for one in meanwhile} == {"cloud"}
    assert all("the edge could not answer" in one["degraded"] for one in meanwhile)
    assert (last["answered_by"], last["degraded"]) == ("edge", None)


def test_a_client_that_leaves_frees_its_place(port: int, versions: tuple[Path, list[str]]) -> None:
    def working() -> int:
        # The request that asks is one of them.
        return in_flight(port) - 1

    for turn in range(12):
        body = json.dumps(chat("cloud", "the", stream=turn % 4 != 3, max_tokens=900))
        with socket.create_connection(("127.0.0.1", port)) as raw:
            head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: left-{turn}\r\n"
            head += f"Content-Length: {len(body)}\r\nContent-Type: application/json\r\n\r\n"
            raw.sendall(f"{head}{body}".encode())
            if turn % 4 != 3:
                assert raw.recv(100)
            until = time.monotonic() + 10
            while not working() and time.monotonic() < until:
                time.sleep(0.01)
            assert working() >= 1
        until = time.monotonic() + 10
        while working() and time.monotonic() < until:
            time.sleep(0.05)
        assert working() == 0
    logged = [json.loads(line) for line in (versions[0].parent / "requests.jsonl").read_text().splitlines()]
    # Nobody failed: they left.
    assert [one["status"] for one in logged if one["request_id"].startswith("left-")] == [499] * 12


def test_requests_are_logged_without_what_they_say(port: int, versions: tuple[Path, list[str]]) -> None:
    ask(port, chat("cloud", "the secret hat", max_tokens=1))
    file, until = versions[0].parent / "requests.jsonl", time.monotonic() + 10
    # The line is written when the answer has gone out.
    while time.monotonic() < until and '"/v1/chat/completions"' not in file.read_text():
        time.sleep(0.05)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    asked = next(line for line in reversed(lines) if line["route"] == "/v1/chat/completions")
    assert (asked["model"], asked["answered_by"], asked["status"]) == ("cloud", "cloud", 200)
    assert "secret" not in file.read_text()
