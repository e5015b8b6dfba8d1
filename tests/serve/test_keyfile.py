"""The file holds hashes alone, is never half-written, and two writers lose nothing of each other's."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlecs_ray.errors import InputError
from serve.keyfile import Key, add, digest, issue, read, remove
from serve.limits import Limits

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def made(path: Path, name: str, **options: object) -> str:
    key, presented = issue(name, NOW, **options)
    add(path, key)
    return presented


def test_a_key_is_256_random_bits_and_only_its_hash_is_kept(tmp_path):
    """43 characters of base64 hold 258 bits, 32 bytes and two to spare."""
    path = tmp_path / "keys.jsonl"
    first, second = made(path, "ann"), made(path, "bob")
    assert first != second
    assert first.startswith("mlecs-")
    assert len(first) == len("mlecs-") + 43
    assert first not in path.read_text()
    assert [key.hash for key in read(path)] == [digest(first), digest(second)]


def test_what_is_added_is_read(tmp_path):
    path, limits = tmp_path / "keys.jsonl", Limits(per_minute=5, burst=2, concurrent=1)
    made(path, "ann", expires=NOW + timedelta(days=1), roles=frozenset({"user", "admin"}), limits=limits)
    (key,) = read(path)
    assert (key.name, key.created, key.expires) == ("ann", NOW, NOW + timedelta(days=1))
    assert (key.roles, key.limits) == ({"user", "admin"}, limits)


def test_a_line_needs_no_more_than_name_hash_and_created(tmp_path):
    path = tmp_path / "keys.jsonl"
    path.write_text(json.dumps({"name": "ann", "hash": digest("x"), "created": "2026-01-01T00:00:00Z"}) + "\n\n")
    assert read(path) == (Key("ann", digest("x"), NOW),)


def test_a_new_file_is_its_owners_alone_and_one_that_was_opened_to_a_group_stays_so(tmp_path):
    path = tmp_path / "keys.jsonl"
    made(path, "ann")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    made(path, "bob")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_to_the_file_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real").touch()
    made(tmp_path / "link", "ann")
    assert (tmp_path / "link").is_symlink()
    assert len(read(tmp_path / "real")) == 1


def test_a_removed_key_is_gone_and_the_others_stay(tmp_path):
    path = tmp_path / "keys.jsonl"
    made(path, "ann")
    made(path, "bob")
    remove(path, "ann")
    assert [key.name for key in read(path)] == ["bob"]


def test_writers_at_once_lose_no_key_and_leave_nothing_behind(tmp_path):
    path, names = tmp_path / "keys.jsonl", [f"k{number}" for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: made(path, name), names))
    assert sorted(key.name for key in read(path)) == sorted(names)
    assert {file.name for file in tmp_path.iterdir()} <= {"keys.jsonl", ".keys.jsonl.lock"}


def test_a_name_that_is_taken_or_absent_changes_nothing(tmp_path):
    path = tmp_path / "keys.jsonl"
    made(path, "ann")
    before = path.read_bytes()
    with pytest.raises(InputError, match="has a key ann already"):
        made(path, "ann")
    with pytest.raises(InputError, match="no key 'bob', so nothing was removed; it has ann"):
        remove(path, "bob")
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["", "a b", "-a", "a\n", "a" * 65, "Ä"])
def test_a_name_that_is_unfit_for_logs_is_refused(name):
    with pytest.raises(InputError, match="key name"):
        issue(name, NOW)


def test_a_key_that_ends_before_it_begins_is_refused():
    with pytest.raises(InputError, match="or the key never works"):
        issue("ann", NOW, expires=NOW)


GOOD = {"name": "ann", "hash": digest("x"), "created": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "keys.jsonl:2: line: Invalid JSON"),
        ("[]", "keys.jsonl:2"),
        (json.dumps({**GOOD, "name": "ann"}), "keys.jsonl:2: there are two keys ann"),
        (json.dumps({**GOOD, "name": "bob", "expire": "2026-01-02T00:00:00Z"}), "keys.jsonl:2: expire"),
        (json.dumps({**GOOD, "name": "bob", "expires": "2026-01-02T00:00:00"}), "keys.jsonl:2: expires"),
        (json.dumps({**GOOD, "name": "bob", "roles": ["root"]}), "keys.jsonl:2: roles"),
        (json.dumps({**GOOD, "name": "bob", "limits": {"burst": 0}}), "keys.jsonl:2: limits: .*burst=0"),
        (json.dumps({**GOOD, "name": "bob", "hash": "mlecs-secret"}), "keys.jsonl:2: .*hash of key bob"),
    ],
)
def test_a_damaged_line_is_named_without_its_contents(tmp_path, line, words):
    path = tmp_path / "keys.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n{line}\n")
    with pytest.raises(InputError, match=words) as caught:
        read(path)
    assert "mlecs-secret" not in str(caught.value)


def test_a_file_that_is_not_there_or_cannot_be_is_one_error(tmp_path):
    for look in (read, lambda path: remove(path, "ann")):
        with pytest.raises(InputError, match="cannot be read"):
            look(tmp_path / "keys.jsonl")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        made(tmp_path / "file" / "keys.jsonl", "ann")
