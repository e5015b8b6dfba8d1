"""Who may ask, by the command line."""

import json
from pathlib import Path

import pytest

from serve.keys import Keys
from tests.scenarios.conftest import Mlecs, assert_refused
from tests.scenarios.test_startup import PROGRAM, SLOW, imported

FILE = ("--file", "keys.jsonl")


def test_an_added_key_is_alone_on_standard_output_and_works(mlecs: Mlecs) -> None:
    said = mlecs("apikeys", "add", "ann", *FILE)
    assert (said.code, said.err) == (0, "ann's key, which cannot be shown again:\n")
    key = Keys(Path("keys.jsonl")).check(said.out.strip())
    assert key is not None
    assert (key.name, key.roles, key.expires) == ("ann", {"user"}, None)


def test_the_options_are_the_keys(mlecs: Mlecs) -> None:
    options = ("--admin", "--days", "2", "--per-minute", "5", "--burst", "3", "--concurrent", "1")
    said = mlecs("apikeys", "add", "ann", *FILE, *options)
    key = Keys(Path("keys.jsonl")).check(said.out.strip())
    assert key is not None
    assert key.expires is not None
    assert (key.roles, (key.expires - key.created).days) == ({"user", "admin"}, 2)
    assert (key.limits.per_minute, key.limits.burst, key.limits.concurrent) == (5, 3, 1)


def test_the_list_shows_names_and_ends_and_no_hash(mlecs: Mlecs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    mlecs("apikeys", "add", "ann", *FILE)
    Path("keys.jsonl").write_text(
        Path("keys.jsonl").read_text()
        + json.dumps({"name": "bob", "hash": "0" * 64, "created": "2020-01-01T00:00Z", "expires": "2020-01-02T00:00Z"})
    )
    said = mlecs("apikeys", "list", *FILE)
    assert "ann" in said.out
    assert "2020-01-02 00:00 (expired)" in said.out
    assert "0" * 64 not in said.out


def test_a_removed_key_is_no_longer_listed(mlecs: Mlecs) -> None:
    mlecs("apikeys", "add", "ann", *FILE)
    assert mlecs("apikeys", "remove", "ann", *FILE).out == "ann is removed from keys.jsonl\n"
    assert "ann" not in mlecs("apikeys", "list", *FILE).out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["add", "a b"], "key name 'a b' must be"),
        (["add", "ann", "--burst", "0"], "burst=0 must be at least 1"),
        (["add", "ann", "--days", "-1"], "or the key never works"),
        (["add", "ann", "--days", "1e9"], "days=1000000000.0 must be a number"),
        (["add", "ann", "--days", "nan"], "days=nan must be a number"),
        (["remove", "ann"], "keys.jsonl cannot be read"),
        (["list"], "keys.jsonl cannot be read"),
    ],
)
def test_a_mistake_is_one_line_and_makes_no_file(mlecs: Mlecs, options: list[str], words: str) -> None:
    assert_refused(mlecs("apikeys", *options, *FILE), words)
    assert not Path("keys.jsonl").exists()


def test_a_file_must_be_named(mlecs: Mlecs) -> None:
    said = mlecs("apikeys", "add", "ann")
    assert said.code == 2
    assert "--file" in said.err


def test_keys_are_made_without_waiting_for_torch(tmp_path: Path) -> None:
    assert not SLOW & imported(tmp_path, PROGRAM, "apikeys", "add", "ann", *FILE)
