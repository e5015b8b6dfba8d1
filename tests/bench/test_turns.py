"""Contenders take turns in processes of their own."""

from pathlib import Path

import pytest

from bench import environments
from bench.case import Case, Contender
from bench.environments import Environment
from bench.turns import measure, take_turns
from mlecs_ray.errors import InputError

NEVER = Environment("nothing==0.0")
ECHO = """
import json, os
print("noise")
print("RESULT " + json.dumps({"value": json.load(open(os.environ["BENCH_ORDER"]))["value"]}))
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Writes a script and gives its path; the cache is empty."""
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))

    def write(text: str) -> str:
        path = tmp_path / f"script{len(list(tmp_path.iterdir()))}.py"
        path.write_text(text)
        return str(path)

    return write


def case(*contenders: Contender) -> Case:
    return Case("c", "A case", "About it.", contenders, (), ())


def refuse(environment: Environment) -> Path:
    raise InputError(f"no {environment.peer}")


def test_everybody_is_measured_once_a_turn_and_in_turn(script):
    told = []
    pair = case(Contender("a", script(ECHO), {"value": 1}), Contender("b", script(ECHO), {"value": 2}))
    outcome = take_turns(pair, 2, told.append)
    assert outcome.turns == [{"a": {"value": 1}, "b": {"value": 2}}] * 2
    assert told == ["c 1/2: a", "c 1/2: b", "c 2/2: a", "c 2/2: b"]


def test_memory_is_sampled_where_it_is_asked_for(script, tmp_path):
    slow = script("import time\ntime.sleep(1.5)\nprint('RESULT {}')\n")
    found = measure(Contender("a", slow, {}, memory=True), {}, tmp_path)
    assert found["pss_bytes"] > 1_000_000


def test_one_of_ours_that_fails_ends_it_with_its_reason(script):
    with pytest.raises(InputError, match="a ended with 1 and no result: the reason"):
        take_turns(case(Contender("a", script("raise SystemExit('the reason')"), {})), 1, str)


def test_where_no_environment_is_made_its_peer_is_left_out(script):
    peer = Contender("peer", script(ECHO), {"value": 2}, NEVER)
    outcome = take_turns(case(Contender("a", script(ECHO), {"value": 1}), peer), 1, str, None)
    assert outcome.turns == [{"a": {"value": 1}}]
    assert "--quick makes none" in outcome.left_out["peer"]


def test_a_peer_that_cannot_be_installed_is_left_out_with_the_reason(script):
    outcome = take_turns(case(Contender("peer", script(ECHO), {}, NEVER)), 1, str, refuse)
    assert outcome.turns == [{}]
    assert outcome.left_out == {"peer": "no nothing==0.0"}


@pytest.mark.usefixtures("script")
def test_an_environment_has_a_folder_per_version_and_is_ready_when_it_was_made_to_the_end(tmp_path):
    one = Environment("flwr[simulation]==1.41.0")
    assert one.folder == tmp_path / "cache" / "bench" / "flwr-1.41.0"
    one.folder.mkdir(parents=True)
    assert not one.ready
    (one.folder / environments.STAMP).touch()
    assert one.ready
