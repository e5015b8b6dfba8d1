"""A key works from the moment that it is in the file until it is not, or has ended."""

import hmac
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlecs_ray.errors import InputError
from serve import keys as module
from serve.keyfile import add, issue, remove
from serve.keys import Keys
from tests.serve.virtual import Clock

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class World:
    """A key file, a clock, and the keys by it."""

    path: Path
    clock: Clock = field(default_factory=Clock)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.clock())

    def made(self, name: str, **options: object) -> str:
        key, presented = issue(name, START, **options)
        add(self.path, key)
        return presented

    def keys(self) -> Keys:
        return Keys(self.path, self.now, self.clock)


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path / "keys.jsonl")


def test_a_key_is_known_by_what_was_shown_once(world):
    ann, bob = world.made("ann"), world.made("bob")
    keys = world.keys()
    assert (keys.check(ann).name, keys.check(bob).name) == ("ann", "bob")


@pytest.mark.parametrize("presented", ["", "mlecs-", "mlecs-wrong", "mlecs-\udc80", "ключ", "x" * 10_000])
def test_what_nobody_was_shown_is_nobodys(world, presented):
    ann = world.made("ann")
    keys = world.keys()
    assert keys.check(presented) is None
    assert keys.check(ann[:-1]) is None
    assert keys.check(keys.check(ann).hash) is None


def test_every_hash_is_compared_whether_or_not_one_has_matched(world, monkeypatch):
    presented = [world.made(name) for name in "abc"]
    keys, compared = world.keys(), []

    def compare(left: str, right: str) -> bool:
        compared.append(right)
        return hmac.compare_digest(left, right)

    class Counting:
        compare_digest = staticmethod(compare)

    monkeypatch.setattr(module, "hmac", Counting)
    for key in (*presented, "mlecs-wrong"):
        compared.clear()
        keys.check(key)
        assert len(set(compared)) == 3


def test_a_key_ends_at_the_second_that_it_expires(world):
    ann = world.made("ann", expires=START + timedelta(hours=1))
    keys = world.keys()
    world.clock.now = 3599.9
    assert keys.check(ann).name == "ann"
    world.clock.now = 3600.0
    assert keys.check(ann) is None


def test_added_and_removed_keys_are_noticed_within_a_second_and_not_looked_for_before(world):
    ann = world.made("ann")
    keys = world.keys()
    assert keys.check(ann).name == "ann"
    bob = world.made("bob")
    remove(world.path, "ann")
    world.clock.now = 0.9
    assert (keys.check(ann).name, keys.check(bob)) == ("ann", None)
    world.clock.now = 1.0
    assert (keys.check(ann), keys.check(bob).name) == (None, "bob")


def test_an_empty_file_ends_all_keys(world):
    ann = world.made("ann")
    keys = world.keys()
    world.path.write_text("")
    world.clock.now = 1.0
    assert keys.check(ann) is None


@pytest.mark.parametrize("damage", [b"{", b"\xff\xfe", None], ids=["half", "no text", "missing"])
def test_a_damaged_file_keeps_the_keys_is_logged_once_and_mended_without_restart(world, damage, caplog):
    ann = world.made("ann")
    keys = world.keys()
    good = world.path.read_bytes()
    if damage is None:
        world.path.unlink()
    else:
        world.path.write_bytes(damage)
    with caplog.at_level(logging.ERROR):
        for second in range(1, 5):
            world.clock.now = second
            assert keys.check(ann).name == "ann"
    assert [record.message.endswith("the 1 keys read before go on working") for record in caplog.records] == [True]
    world.path.write_bytes(good.replace(b'"ann"', b'"eve"'))
    world.clock.now = 6.0
    assert keys.check(ann).name == "eve"


def test_a_file_that_has_not_changed_is_not_parsed_again(world, monkeypatch):
    ann = world.made("ann")
    keys = world.keys()
    keys.check(ann)
    monkeypatch.setattr(module, "parse", lambda *_: pytest.fail("parsed again"))
    for second in range(1, 5):
        world.clock.now = second
        assert keys.check(ann).name == "ann"


def test_a_server_does_not_start_without_a_sound_file(world):
    with pytest.raises(InputError, match="cannot be read"):
        world.keys()
