"""Old versions go when a new one comes, but none that is needed."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from mlecs_ray.serving import calibration
from mlecs_ray.serving.rollout import Rules
from serve.answering import Declined
from serve.desk import Desk
from serve.entries import Embedding, Entry
from serve.leases import Lease
from serve.models import Refusal
from serve.pruning import prune
from serve.registry import KEPT, Registry, open_registry
from serve.versions import attempt
from tests.serve.fakes import FakeSide, fake_desk, write_artifact


def _versions(store: Path, count: int) -> list[str]:
    """Taken over one after another."""
    names = [write_artifact(store, merges, words=True) for merges in range(20, 20 + count)]
    for at, name in enumerate(names):
        os.utime(store / name, (at, at))
    return names


def _there(store: Path) -> set[str]:
    return {folder.name for folder in store.iterdir() if folder.is_dir()}


def _registry(store: Path, version: str) -> Registry:
    return open_registry(store, version, "cascade", (), None, Rules())


def test_the_one_that_answers_and_the_last_few_stay(tmp_path: Path) -> None:
    names = _versions(tmp_path, 9)
    gone = prune(_registry(tmp_path, names[0]), ())
    assert set(gone) == set(names[1:-KEPT])
    assert _there(tmp_path) == {names[0], *names[-KEPT:]}


def test_the_last_are_those_taken_over_last_whatever_their_merges(tmp_path: Path) -> None:
    """A run that went on from an older checkpoint has fewer merges again."""
    names = _versions(tmp_path, 9)
    os.utime(tmp_path / names[1], (100, 100))
    prune(_registry(tmp_path, names[-1]), ())
    assert _there(tmp_path) == {names[1], *names[-KEPT + 1 :]}


def test_their_thresholds_go_with_them_and_nothing_else_does(tmp_path: Path) -> None:
    names = _versions(tmp_path, 6)
    (tmp_path / "requests.jsonl").write_text("{}")
    (tmp_path / "notes").mkdir()
    (tmp_path / f".{names[0]}-77.part").mkdir()
    (tmp_path / ".1-0123abcd.gone").mkdir()
    prune(_registry(tmp_path, names[-1]), ())
    kept = {names[-1], *names[-KEPT:]}
    assert _there(tmp_path) == {*kept, "notes", f".{names[0]}-77.part"}
    files = {file.name for file in tmp_path.iterdir() if file.is_file()}
    assert files == {"requests.jsonl", *(calibration.file_of(tmp_path / name).name for name in kept)}


def test_what_is_on_trial_came_before_or_is_asked_by_name_stays(tmp_path: Path) -> None:
    names = _versions(tmp_path, 12)
    registry = _registry(tmp_path, names[0])
    for name in names[1:3]:
        registry.add(name)
        registry.rollout.begin(name)
        if name == names[1]:
            registry.rollout.promote()
    registry.add(names[3])
    prune(registry, ())
    assert (registry.rollout.previous, registry.rollout.stable, registry.rollout.canary) == tuple(names[:3])
    assert _there(tmp_path) == {*names[:4], *names[-KEPT:]}


def test_what_a_start_that_is_yet_to_come_back_needs_stays(tmp_path: Path) -> None:
    """The file names who answered, who did before, and with whom the server began."""
    names = _versions(tmp_path, 12)
    earlier = _registry(tmp_path, names[1])
    earlier.began, earlier.rollout.previous = f"{names[0]} 0a1b", names[2]
    earlier.remember()
    del earlier
    prune(_registry(tmp_path, names[-1]), ())
    assert _there(tmp_path) == {*names[:3], *names[-KEPT:]}


def test_what_another_server_of_the_run_answers_with_stays(tmp_path: Path) -> None:
    names = _versions(tmp_path, 9)
    other, lease = _registry(tmp_path, names[0]), Lease(tmp_path / names[2])
    assert names[0] not in prune(_registry(tmp_path, names[-1]), ())
    assert _there(tmp_path) == {names[0], names[2], *names[-KEPT:]}
    lease.close()
    del other
    assert set(prune(_registry(tmp_path, names[-1]), ())) == {names[0], names[2]}


def test_a_request_that_is_under_way_keeps_its_version(tmp_path: Path) -> None:
    names = _versions(tmp_path, 12)
    registry = _registry(tmp_path, names[-1])
    under_way = registry.add(names[0])
    for name in names[1 : KEPT + 2]:
        registry.add(name)
    assert names[0] not in registry.versions
    prune(registry, ())
    assert names[0] in _there(tmp_path)
    del under_way
    assert prune(registry, ()) == [names[0]]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """It has answered for long with a version that was taken over before all others."""
    made = fake_desk(tmp_path)
    os.utime(made.registry.store / made.registry.rollout.stable, (0, 0))
    return made


def _newest(desk: Desk) -> str:
    """One that is not there yet."""
    return write_artifact(desk.registry.store, 90, words=True)


def test_a_version_that_is_tried_takes_the_place_of_old_ones(desk: Desk) -> None:
    store, first = desk.registry.store, desk.registry.rollout.stable
    names = _versions(store, 8)
    newest = _newest(desk)
    asyncio.run(attempt(desk, newest))
    assert _there(store) == {first, newest, *names[-KEPT + 1 :]}


def test_one_that_cannot_be_loaded_does_so_too_as_the_next_comes_in_a_minute(desk: Desk) -> None:
    store, newest, names = desk.registry.store, _newest(desk), _versions(desk.registry.store, 8)

    async def broken(_: object) -> Refusal:
        return Refusal("input", "the adapter is of another model")

    assert isinstance(desk.cloud, FakeSide)
    desk.cloud.warm = broken  # type: ignore[method-assign]
    with pytest.raises(Declined):
        asyncio.run(attempt(desk, newest))
    assert names[0] not in _there(store)


def test_the_version_that_a_gallery_is_of_stays(desk: Desk) -> None:
    store = desk.registry.store
    names = _versions(store, 8)
    seen = Entry(Embedding((1.0, 0.0, 0.0), names[0], f"edge@{names[0]}"))
    asyncio.run(desk.store.do("enrol", "zoo", [seen]))
    asyncio.run(attempt(desk, _newest(desk)))
    assert {names[0]} == _there(store) & set(names[: -KEPT + 1])


def test_without_an_answer_of_the_galleries_nothing_goes(desk: Desk) -> None:
    class Down:
        async def do(self, action: str, *args: Any) -> Refusal:
            return Refusal("down", "it does not answer")

    desk.store = Down()
    names = _versions(desk.registry.store, 8)
    asyncio.run(attempt(desk, _newest(desk)))
    assert set(names) <= _there(desk.registry.store)


def test_a_store_that_may_not_be_written_keeps_nobody_from_trying_a_version(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    _versions(desk.registry.store, 8)
    newest = _newest(desk)
    monkeypatch.setattr("serve.pruning.remove", full)
    asyncio.run(attempt(desk, newest))
    assert desk.registry.rollout.canary == newest
