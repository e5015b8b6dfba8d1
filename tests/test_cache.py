"""The cache: built once, whole or not at all."""

import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import safetensors.torch as st
from safetensors import SafetensorError

from mlecs_ray import cache
from mlecs_ray.errors import InputError


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))


def _nothing(_: Path) -> None:
    pass


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache.root() == tmp_path / "cache"
    monkeypatch.delenv("MLECS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache.root() == Path("/xdg/mlecs-ray")


def test_another_recipe_is_another_folder_and_key_order_does_not_matter() -> None:
    assert cache.derived("slm", {"a": 1, "b": 2}) == cache.derived("slm", {"b": 2, "a": 1})
    assert cache.derived("slm", {"a": 1}) != cache.derived("slm", {"a": 2})


def test_a_folder_is_built_once() -> None:
    calls: list[Path] = []

    def build(folder: Path) -> None:
        calls.append(folder)
        (folder / "x").write_text("1")

    path = cache.derived("thing", {})
    assert cache.build_once(path, build) == path
    cache.build_once(path, build)
    assert len(calls) == 1
    assert (path / "x").read_text() == "1"


def test_a_failed_build_leaves_nothing_and_can_be_repeated() -> None:
    def fails(folder: Path) -> None:
        (folder / "half").write_text("1")
        raise RuntimeError("power cut")

    path = cache.derived("thing", {})
    with pytest.raises(RuntimeError, match="power cut"):
        cache.build_once(path, fails)
    assert [p.name for p in path.parent.iterdir()] == [f".{path.name}.lock"]
    cache.build_once(path, _nothing)
    assert path.is_dir()


def test_what_a_dead_process_left_is_swept_away() -> None:
    path = cache.derived("thing", {})
    left = path.with_name(f".{path.name}.part")
    left.mkdir(parents=True)
    (left / "half").write_text("1")
    cache.build_once(path, _nothing)
    assert list(path.iterdir()) == []


def test_of_two_at_once_one_builds_and_the_other_waits() -> None:
    built: list[Path] = []
    path = cache.derived("thing", {})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: cache.build_once(path, built.append), range(4)))
    assert len(built) == 1


def test_a_full_disk_is_the_users_to_mend() -> None:
    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(InputError, match=r"No space left on device.*set MLECS_CACHE"):
        cache.build_once(cache.derived("thing", {}), full)


def test_a_full_disk_under_safetensors_is_the_users_to_mend_and_leaves_nothing() -> None:
    def full(folder: Path) -> None:
        (folder / "half").write_text("1")
        # The text of safetensors 0.8.0 on a tmpfs of 64 KB.
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    path = cache.derived("thing", {})
    with pytest.raises(InputError, match=r"No space left on device; the cache .*set MLECS_CACHE"):
        cache.build_once(path, full)
    assert [p.name for p in path.parent.iterdir()] == [f".{path.name}.lock"]


def test_what_safetensors_may_not_write_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"thing-.*: Not a directory; the cache"):
        cache.build_once(cache.derived("thing", {}), lambda _: st.save_file({}, tmp_path / "file" / "x"))


def test_a_corrupt_file_of_tensors_is_no_full_disk(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"no tensors")
    with pytest.raises(SafetensorError, match="header"):
        cache.build_once(cache.derived("thing", {}), lambda _: st.load((tmp_path / "bad").read_bytes()))


def test_a_folder_that_is_not_sound_is_built_anew() -> None:
    path = cache.build_once(cache.derived("thing", {}), _nothing)

    def build(folder: Path) -> None:
        (folder / "x").write_text("1")

    cache.build_once(path, build, lambda folder: (folder / "x").exists())
    assert (path / "x").exists()
