"""The npm registry, asked without npm; folders stand in for registries."""

import io
import json
import stat
from pathlib import Path
from typing import ClassVar

import pytest

from mlecs_ray.data import npm


def _answer(folder: Path, told: object) -> str:
    """A registry whose ``@scope/toy`` 1.0 says this of itself."""
    (folder / "@scope" / "toy").mkdir(parents=True)
    (folder / "@scope" / "toy" / "1.0").write_text(json.dumps(told))
    return f"{folder.as_uri()}/"


def test_the_environment_comes_before_the_users_file_and_that_before_the_machines(tmp_path: Path) -> None:
    user, machine = tmp_path / "user", tmp_path / "machine"
    user.write_text('; mine\nfund=false\nregistry = "http://user/npm"\n@scope:registry=http://other\n')
    machine.write_text("registry=http://machine/\n")
    files = [tmp_path / "none", user, machine]
    assert npm.registry({"npm_config_registry": "http://own"}, files) == "http://own/"
    assert npm.registry({"NPM_CONFIG_REGISTRY": "http://own/"}, files) == "http://own/"
    assert npm.registry({}, files) == "http://user/npm/"
    assert npm.registry({}, files[2:]) == "http://machine/"


def test_what_no_file_names_npm_itself_is_asked_for(tmp_path: Path) -> None:
    program = tmp_path / "npm"
    program.write_text('#!/bin/sh\n[ "$1 $2 $3" = "config get registry" ] && echo http://npms/own/\n')
    program.chmod(stat.S_IRWXU)
    assert npm.registry({"PATH": str(tmp_path)}, []) == "http://npms/own/"


def test_where_nothing_names_a_registry_the_way_out_is_said() -> None:
    with pytest.raises(ConnectionError, match="set npm_config_registry to its address, or install npm"):
        npm.registry({"PATH": ""}, [])


def test_a_file_may_name_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRROR", "http://mirror")
    (tmp_path / "npmrc").write_text("registry=${MIRROR}/npm/\n")
    assert npm.registry({}, [tmp_path / "npmrc"]) == "http://mirror/npm/"


def test_the_users_file_is_asked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PREFIX", "/opt/node")
    assert npm.settings()[:3] == [tmp_path / ".npmrc", Path("/opt/node/etc/npmrc"), Path("/etc/npmrc")]


def test_the_slash_of_a_scope_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(address: str, **_: int) -> Whole:
        asked.append(address)
        return Whole(b'{"dist": {"tarball": "http://mirror/toy.tgz"}}')

    monkeypatch.setattr("urllib.request.urlopen", answer)
    list(npm.tarball("http://mirror/", "@scope/toy", "1.0"))
    assert asked == ["http://mirror/@scope%2Ftoy/1.0", "http://mirror/toy.tgz"]


def test_a_mirror_is_asked_for_what_it_says_lies_behind_it(tmp_path: Path) -> None:
    source = _answer(tmp_path, {"dist": {"tarball": "http://behind.invalid/@scope/toy.tgz"}})
    (tmp_path / "@scope" / "toy.tgz").write_bytes(b"x" * 100_000)
    assert b"".join(npm.tarball(source, "@scope/toy", "1.0")) == b"x" * 100_000


def test_an_archive_that_the_registry_keeps_elsewhere_is_fetched_there(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "toy.tgz").write_bytes(b"toy")
    source = _answer(tmp_path / "registry", {"dist": {"tarball": (tmp_path / "files" / "toy.tgz").as_uri()}})
    assert b"".join(npm.tarball(source, "@scope/toy", "1.0")) == b"toy"


@pytest.mark.parametrize("told", [{"error": "not found"}, [], {"dist": None}])
def test_an_answer_without_a_tarball_is_shown(tmp_path: Path, told: object) -> None:
    with pytest.raises(ConnectionError, match="names no tarball"):
        list(npm.tarball(_answer(tmp_path, told), "@scope/toy", "1.0"))


class Whole(io.BytesIO):
    """An answer of unknown length."""

    headers: ClassVar[dict[str, str]] = {}


class Cut(io.BytesIO):
    """An answer of which the connection delivers three bytes of ten."""

    headers: ClassVar = {"Content-Length": "10"}


def test_an_archive_that_ends_early_is_no_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: Cut(b"123"))
    with pytest.raises(ConnectionError, match="ended after 3 of 10 bytes"):
        list(npm.tarball("http://mirror/", "toy", "1.0"))


def test_what_is_no_address_is_said() -> None:
    with pytest.raises(ConnectionError, match="unknown url type"):
        list(npm.tarball("nonsense/", "toy", "1.0"))
